package dev.spandrel.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.Engine;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** vLLM's expectations of its endpoints (its tests of completions, chat and tokenising), over the real engine and the bundled model. */
@Timeout(120)
class RealRequestsTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static SpandrelServer server;
    private static HttpClient http;

    @BeforeAll
    static void start() {
        ServeCommand command = new ServeCommand(_ -> {});
        new CommandLine(command)
                .parseArgs(
                        "../models/spandrel-tiny",
                        "--host=127.0.0.1",
                        "--port=0",
                        "--threads=2",
                        "--kv-cache-memory-bytes=64M",
                        "--pooling-type=MEAN",
                        "--enable-prompt-tokens-details");
        server = SpandrelServer.start(command.config(), Engine::open);
        http = HttpClient.newHttpClient();
    }

    @AfterAll
    static void stop() {
        server.close();
        http.close();
    }

    private static HttpResponse<String> send(String path, String body) {
        try {
            return http.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
                            .POST(HttpRequest.BodyPublishers.ofString(body))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    private static JsonNode post(String path, String body) {
        HttpResponse<String> response = send(path, body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return JSON.readTree(response.body());
    }

    private static JsonNode complete(String fields) {
        return post("/v1/completions", "{\"model\":\"spandrel-tiny\"," + fields + "}");
    }

    private static List<JsonNode> stream(String path, String body) {
        List<JsonNode> chunks = new ArrayList<>();
        for (String event : send(path, body).body().split("\n\n")) {
            String data = event.substring("data: ".length());
            if (!data.equals("[DONE]")) {
                chunks.add(JSON.readTree(data));
            }
        }
        return chunks;
    }

    @Test
    void singleCompletion() {
        JsonNode answer =
                complete("\"prompt\":\"Hello, my name is\",\"max_tokens\":5,\"temperature\":0.0,\"ignore_eos\":true");
        assertThat(answer.path("choices").get(0).path("finish_reason").stringValue())
                .isEqualTo("length");
        assertThat(answer.path("choices").get(0).path("prompt_logprobs").isNull())
                .isTrue();
        JsonNode usage = answer.path("usage");
        assertThat(usage.path("completion_tokens").intValue()).isEqualTo(5);
        assertThat(usage.path("total_tokens").intValue())
                .isEqualTo(usage.path("prompt_tokens").intValue() + 5);
        assertThat(usage.path("prompt_tokens_details").path("cached_tokens").intValue())
                .isZero();
    }

    @Test
    void tokenInTokenOutAndLogprobs() {
        String text = "Hello, world! How are you today?";
        JsonNode tokens = post("/tokenize", "{\"prompt\":\"" + text + "\"}").path("tokens");
        String fields = ",\"max_tokens\":20,\"temperature\":0,\"return_token_ids\":true,\"logprobs\":1";
        JsonNode byText =
                complete("\"prompt\":\"" + text + "\"" + fields).path("choices").get(0);
        JsonNode byIds =
                complete("\"prompt\":" + tokens + fields).path("choices").get(0);
        assertThat(byText.path("prompt_token_ids")).isEqualTo(tokens);
        assertThat(byIds.path("prompt_token_ids")).isEqualTo(tokens);
        assertThat(byIds.path("token_ids")).isEqualTo(byText.path("token_ids"));
        assertThat(byIds.path("logprobs")).isEqualTo(byText.path("logprobs"));
        assertThat(byText.path("token_ids"))
                .hasSize(byText.path("logprobs").path("tokens").size());
    }

    @Test
    void streamsAddUpWithLogprobsOfLongPrompts() {
        String body = "\"prompt\":\"" + "What is the capital of the forest? ".repeat(12)
                + "\",\"max_tokens\":30,\"temperature\":0,\"logprobs\":2,\"ignore_eos\":true";
        JsonNode plain = complete(body).path("choices").get(0);
        List<JsonNode> chunks = stream(
                "/v1/completions",
                "{" + body
                        + ",\"stream\":true,\"stream_options\":{\"include_usage\":true,\"continuous_usage_stats\":true}}");
        StringBuilder text = new StringBuilder();
        int logprobs = 0;
        for (JsonNode chunk : chunks.subList(0, chunks.size() - 1)) {
            text.append(chunk.path("choices").get(0).path("text").stringValue());
            logprobs +=
                    chunk.path("choices").get(0).path("logprobs").path("tokens").size();
            assertThat(chunk.path("usage").path("completion_tokens").intValue()).isEqualTo(logprobs);
        }
        assertThat(text).hasToString(plain.path("text").stringValue());
        assertThat(logprobs).isEqualTo(30);
        assertThat(chunks.getLast().path("choices")).isEmpty();
        assertThat(chunks.getLast().path("usage").path("completion_tokens").intValue())
                .isEqualTo(30);
    }

    @Test
    void batchesAndBeams() {
        JsonNode batch = complete("\"prompt\":[\"Once upon\",\"Once upon\"],\"max_tokens\":5,\"temperature\":0.0");
        assertThat(batch.path("choices").get(0).path("text"))
                .isEqualTo(batch.path("choices").get(1).path("text"));
        JsonNode beams = complete(
                "\"prompt\":[\"Once upon\",\"Once upon\"],\"n\":2,\"max_tokens\":5,\"temperature\":0.0,\"use_beam_search\":true");
        List<String> texts = beams.path("choices")
                .valueStream()
                .map(choice -> choice.path("text").stringValue())
                .toList();
        assertThat(texts).hasSize(4);
        assertThat(texts.get(0)).isNotEqualTo(texts.get(1)).isEqualTo(texts.get(2));
        assertThat(texts.get(1)).isEqualTo(texts.get(3));
    }

    @Test
    void echoWithLogprobs() {
        JsonNode choice = complete(
                        "\"prompt\":\"Once upon\",\"max_tokens\":5,\"temperature\":0,\"echo\":true,\"logprobs\":1")
                .path("choices")
                .get(0);
        assertThat(choice.path("text").stringValue()).startsWith("Once upon");
        JsonNode logprobs = choice.path("logprobs");
        assertThat(logprobs.path("token_logprobs").get(0).isNull()).isTrue();
        int size = logprobs.path("tokens").size();
        assertThat(logprobs.path("text_offset")).hasSize(size);
        assertThat(logprobs.path("token_logprobs")).hasSize(size);
        assertThat(logprobs.path("top_logprobs")).hasSize(size);
    }

    @Test
    void truncationSides() {
        for (String side : new String[] {"left", "right"}) {
            JsonNode ids = complete(
                            "\"prompt\":[10,11,12,13,14,15,16,17],\"truncate_prompt_tokens\":4,\"truncation_side\":\""
                                    + side + "\",\"max_tokens\":1,\"return_token_ids\":true")
                    .path("choices")
                    .get(0)
                    .path("prompt_token_ids");
            assertThat(ids.toString()).isEqualTo(side.equals("right") ? "[10,11,12,13]" : "[14,15,16,17]");
        }
    }

    @Test
    void biasesChooseAndSpecialTokensMayBeSeen() {
        JsonNode biased =
                complete("\"prompt\":\"Once\",\"max_tokens\":3,\"temperature\":0,\"logit_bias\":{\"40\":100}");
        String token =
                post("/detokenize", "{\"tokens\":[40,40,40]}").path("prompt").stringValue();
        assertThat(biased.path("choices").get(0).path("text").stringValue()).isEqualTo(token);
        JsonNode special = complete("\"prompt\":\"Once\",\"max_tokens\":2,\"temperature\":0,\"logit_bias\":{\"2\":100},"
                + "\"ignore_eos\":true,\"skip_special_tokens\":false");
        assertThat(special.path("choices").get(0).path("text").stringValue()).isEqualTo("</s></s>");
    }

    @Test
    void tokenizeConversations() {
        String messages = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi there!\"},"
                + "{\"role\":\"assistant\",\"content\":\"Nice to\"}]";
        JsonNode open = post("/tokenize", "{" + messages + "}");
        JsonNode closed =
                post("/tokenize", "{" + messages + ",\"add_generation_prompt\":false,\"continue_final_message\":true}");
        assertThat(open.path("count").intValue())
                .isGreaterThan(closed.path("count").intValue());
        assertThat(post("/detokenize", "{\"tokens\":" + closed.path("tokens") + "}")
                        .path("prompt")
                        .stringValue())
                .isEqualTo("</s>User: Hi there!\nAssistant: Nice to");
        assertThat(post("/tokenize", "{\"prompt\":\"a\",\"return_token_strs\":true}")
                        .path("token_strs"))
                .hasSize(2);
    }

    @Test
    void jsonIsAlwaysJson() {
        String schema = """
                {"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0,"maximum":150},
                 "tags":{"type":"array","items":{"enum":["a","b"]},"maxItems":3},"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},
                 "required":["name","age","tags"],"additionalProperties":false}""";
        Random random = new Random(9);
        for (int seed = 0; seed < 12; seed++) {
            JsonNode choice = post(
                            "/v1/chat/completions",
                            "{\"messages\":[{\"role\":\"user\",\"content\":\"Give JSON\"}],\"seed\":" + seed
                                    + ",\"max_tokens\":" + (25 + random.nextInt(150))
                                    + ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":"
                                    + schema + "}}}")
                    .path("choices")
                    .get(0);
            JsonNode value =
                    JSON.readTree(choice.path("message").path("content").stringValue());
            assertThat(value.path("age").intValue()).isBetween(0, 150);
            assertThat(value.path("tags").isArray()).isTrue();
            assertThat(choice.path("finish_reason").stringValue()).isIn("stop", "length");
        }
        for (int seed = 0; seed < 5; seed++) {
            String text = post(
                            "/v1/chat/completions",
                            "{\"messages\":[{\"role\":\"user\",\"content\":\"JSON\"}],\"max_tokens\":40,\"seed\":"
                                    + seed + ",\"response_format\":{\"type\":\"json_object\"}}")
                    .path("choices")
                    .get(0)
                    .path("message")
                    .path("content")
                    .stringValue();
            assertThat(JSON.readTree(text).isObject()).isTrue();
        }
    }

    @Test
    void structuredOutputs() {
        String regex = complete("\"prompt\":\"IP:\",\"max_tokens\":40,\"structured_outputs\":{\"regex\":"
                        + "\"((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\\\\.){3}(25[0-5]|1?[0-9]?[0-9])\"}")
                .path("choices")
                .get(0)
                .path("text")
                .stringValue();
        assertThat(regex).matches("([0-9]{1,3}\\.){3}[0-9]{1,3}");
        JsonNode choice = complete(
                        "\"prompt\":\"Best language:\",\"max_tokens\":40,\"structured_outputs\":{\"choice\":[\"Java\",\"Kotlin\"]}")
                .path("choices")
                .get(0);
        assertThat(choice.path("text").stringValue()).isIn("Java", "Kotlin");
        assertThat(choice.path("finish_reason").stringValue()).isEqualTo("stop");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"structured_outputs\":{\"regex\":\"[.*\"}",
                "\"structured_outputs\":{\"json\":{\"properties\":{\"a\":{\"not\":{}}}}}",
                "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"type\":\"x\"}}}",
                "\"structured_outputs\":{\"choice\":[]}",
                "\"structured_outputs\":{\"regex\":\"[0-9]{90}\"}",
                "\"logit_bias\":{\"999999\":1}",
                "\"stop_token_ids\":[-1]",
                "\"logprob_token_ids\":[123456]"
            })
    void invalidFormsAreTheClientsFault(String field) {
        HttpResponse<String> response = send("/v1/completions", "{\"prompt\":\"a\"," + field + "}");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
    }

    /** A form of nothing but the empty text: the first token is the end. */
    @Test
    void theEmptyTextIsAForm() {
        for (String form : new String[] {"", "a{0}", "^$", "(b{0}|)"}) {
            for (int i = 0; i < 2; i++) {
                JsonNode choice = complete(
                                "\"prompt\":\"a\",\"max_tokens\":4,\"structured_outputs\":{\"regex\":\"" + form + "\"}")
                        .path("choices")
                        .get(0);
                assertThat(choice.path("text").stringValue()).isEmpty();
                assertThat(choice.path("finish_reason").stringValue()).isEqualTo("stop");
            }
            HttpResponse<String> endless = send(
                    "/v1/completions",
                    "{\"prompt\":\"a\",\"max_tokens\":4,\"ignore_eos\":true,\"structured_outputs\":{\"regex\":\"" + form
                            + "\"}}");
            assertThat(endless.statusCode()).as(endless.body()).isEqualTo(400);
        }
        complete("\"prompt\":\"a\",\"max_tokens\":1");
    }

    @Test
    void namedAndRequiredToolsAreCalled() {
        String tools = """
                "tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object",
                  "properties":{"city":{"type":"string","maxLength":20},"days":{"type":"integer","minimum":1,"maximum":7}},
                  "required":["city","days"]}}},{"type":"function","function":{"name":"now"}}]""";
        for (String choice :
                new String[] {"\"required\"", "{\"type\":\"function\",\"function\":{\"name\":\"weather\"}}"}) {
            for (int seed = 0; seed < 4; seed++) {
                JsonNode calls = post(
                                "/v1/chat/completions",
                                "{\"messages\":[{\"role\":\"user\",\"content\":\"Weather?\"}],\"max_tokens\":80,\"seed\":"
                                        + seed + ",\"tool_choice\":" + choice + "," + tools + "}")
                        .path("choices")
                        .get(0)
                        .path("message")
                        .path("tool_calls");
                assertThat(calls).isNotEmpty();
                for (JsonNode call : calls) {
                    String name = call.path("function").path("name").stringValue();
                    JsonNode arguments = JSON.readTree(
                            call.path("function").path("arguments").stringValue());
                    assertThat(name).isIn("weather", "now");
                    assertThat(arguments.path("days").asInt(1)).isBetween(1, 7);
                    assertThat(arguments.has("city")).isEqualTo(name.equals("weather"));
                }
            }
        }
        HttpResponse<String> auto =
                send("/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]," + tools + "}");
        assertThat(auto.statusCode()).isEqualTo(400);
        assertThat(auto.body()).contains("--tool-call-parser");
    }

    @Test
    void responsesGoOn() {
        JsonNode first =
                post("/v1/responses", "{\"input\":\"What is a span?\",\"max_output_tokens\":20,\"temperature\":0}");
        JsonNode second = post(
                "/v1/responses",
                "{\"input\":\"What is a trace?\",\"max_output_tokens\":20,\"previous_response_id\":\""
                        + first.path("id").stringValue() + "\"}");
        assertThat(second.path("usage").path("input_tokens").intValue())
                .isGreaterThan(first.path("usage").path("total_tokens").intValue() - 2);
    }

    @Test
    void embeddingsOfEqualTextsAreEqualAndOfOthersAreNot() {
        JsonNode data = post("/v1/embeddings", "{\"input\":[\"A span.\",\"A squirrel ran.\",\"A span.\"]}")
                .path("data");
        List<double[]> vectors = data.valueStream()
                .map(item -> item.path("embedding")
                        .valueStream()
                        .mapToDouble(JsonNode::doubleValue)
                        .toArray())
                .toList();
        assertThat(vectors.get(0)).hasSize(192).isEqualTo(vectors.get(2));
        double product = IntStream.range(0, 192)
                .mapToDouble(i -> vectors.get(0)[i] * vectors.get(1)[i])
                .sum();
        assertThat(product).isLessThan(0.99);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "/v1/chat/completions; \"required\"; function; tools.1.function.parameters",
                "/v1/chat/completions; {\"type\":\"function\",\"function\":{\"name\":\"bad\"}}; function; tools.1.function.parameters",
                "/v1/responses; \"required\"; ; tools.1.parameters"
            })
    void aBadSchemaOfAToolIsThatToolsFault(String path, String choice, String inner, String param) {
        String good = "\"name\":\"good\",\"parameters\":{\"type\":\"object\"}";
        String bad =
                "\"name\":\"bad\",\"parameters\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"colour\"}}}";
        String open = "{\"type\":\"function\"," + (inner == null ? "" : "\"" + inner + "\":{");
        String close = inner == null ? "}" : "}}";
        String tools = "[" + open + good + close + "," + open + bad + close + "]";
        String input = inner == null ? "\"input\":\"a\"" : "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]";
        HttpResponse<String> response =
                send(path, "{" + input + ",\"tools\":" + tools + ",\"tool_choice\":" + choice + "}");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
        JsonNode error = JSON.readTree(response.body()).path("error");
        assertThat(error.path("param").stringValue()).isEqualTo(param);
        assertThat(error.path("message").stringValue())
                .contains("found colour at #/properties/a")
                .doesNotContain("anyOf", "response_format", "text.format");
    }
}

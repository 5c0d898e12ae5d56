package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.OutputConstraint;
import dev.spandrel.engine.Prompt;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.ScriptedGeneration;
import dev.spandrel.server.TestServer;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** OpenAI's Responses API: create, stream, retrieve, cancel. */
@Timeout(60)
class ResponsesTest {
    private static final String PATH = "/v1/responses";
    private static TestServer server;

    @BeforeAll
    static void start() {
        server = TestServer.start(new ScriptedEngine());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @BeforeEach
    void reset() {
        server.engine().reset();
    }

    private static void says(FinishReason reason, String... pieces) {
        server.engine().script(request -> {
            ScriptedGeneration generation = ScriptedGeneration.silent(request);
            for (int i = 0; i < pieces.length - 1; i++) {
                generation.send(pieces[i]);
            }
            return generation.finish(pieces[pieces.length - 1], reason);
        });
    }

    private static JsonNode create(String body) {
        return json(server.post(PATH, body));
    }

    private static JsonNode json(HttpResponse<String> response) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return TestServer.JSON.readTree(response.body());
    }

    private static List<ChatMessage> seen() {
        return ((Prompt.Chat) server.engine().submitted().request().prompt()).messages();
    }

    @Test
    void aTextIsAnswered() {
        says(FinishReason.STOP, "It ", "is.");
        JsonNode response = create("{\"input\":\"What?\",\"instructions\":\"Be brief.\",\"max_output_tokens\":9}");
        assertThat(response.path("id").stringValue()).startsWith("resp_");
        assertThat(response.path("object").stringValue()).isEqualTo("response");
        assertThat(response.path("status").stringValue()).isEqualTo("completed");
        assertThat(response.path("instructions").stringValue()).isEqualTo("Be brief.");
        JsonNode item = response.path("output").get(0);
        assertThat(item.path("type").stringValue()).isEqualTo("message");
        assertThat(item.path("content").get(0).toString())
                .isEqualTo("{\"type\":\"output_text\",\"text\":\"It is.\",\"annotations\":[],\"logprobs\":[]}");
        assertThat(response.path("usage").toString())
                .isEqualTo("{\"input_tokens\":2,\"input_tokens_details\":{\"cached_tokens\":0},\"output_tokens\":2,"
                        + "\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":4}");
        assertThat(seen()).containsExactly(new ChatMessage("system", "Be brief."), new ChatMessage("user", "What?"));
    }

    @Test
    void anAnswerThatIsCutIsIncomplete() {
        says(FinishReason.LENGTH, "x");
        JsonNode response = create("{\"input\":\"a\"}");
        assertThat(response.path("status").stringValue()).isEqualTo("incomplete");
        assertThat(response.path("incomplete_details").path("reason").stringValue())
                .isEqualTo("max_output_tokens");
    }

    @Test
    void aConversationGoesOnWhereItWas() {
        says(FinishReason.STOP, "first");
        String id = create("{\"input\":\"one\",\"instructions\":\"old\"}")
                .path("id")
                .stringValue();
        seen();
        assertThat(json(server.get(PATH + "/" + id))
                        .path("output")
                        .get(0)
                        .path("content")
                        .get(0)
                        .path("text")
                        .stringValue())
                .isEqualTo("first");
        create("{\"input\":\"two\",\"instructions\":\"new\",\"previous_response_id\":\"" + id + "\"}");
        assertThat(seen())
                .containsExactly(
                        new ChatMessage("system", "new"),
                        new ChatMessage("user", "one"),
                        new ChatMessage("assistant", "first"),
                        new ChatMessage("user", "two"));
    }

    @Test
    void whatIsNotStoredIsNotFound() {
        says(FinishReason.STOP, "x");
        String id = create("{\"input\":\"one\",\"store\":false}").path("id").stringValue();
        assertThat(server.get(PATH + "/" + id).statusCode()).isEqualTo(404);
        assertThat(server.post(PATH + "/resp_none/cancel", "").statusCode()).isEqualTo(404);
        assertThat(server.post(PATH, "{\"input\":\"a\",\"previous_response_id\":\"resp_none\"}")
                        .statusCode())
                .isEqualTo(404);
    }

    @Test
    void toolsAreCalledAndAnswered() {
        says(FinishReason.STOP, "<tool_call>{\"name\":\"f\",\"arguments\":{\"a\":1}}</tool_call>");
        String tools =
                "\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"parameters\":{\"type\":\"object\"},\"strict\":true}]";
        JsonNode response = create("{\"input\":\"a\"," + tools + "}");
        JsonNode call = response.path("output").get(0);
        assertThat(call.path("type").stringValue()).isEqualTo("function_call");
        assertThat(call.path("name").stringValue()).isEqualTo("f");
        assertThat(call.path("arguments").stringValue()).isEqualTo("{\"a\":1}");
        seen();
        says(FinishReason.STOP, "done");
        create("{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"a\"}]}," + call
                + ",{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"42\"}]," + tools + "}");
        List<ChatMessage> messages = seen();
        assertThat(messages).extracting(ChatMessage::role).containsExactly("user", "assistant", "tool");
        assertThat(messages.getFirst().parts())
                .as("for templates that want parts")
                .containsExactly(java.util.Map.of("type", "text", "text", "a"));
        assertThat(messages.get(1).more()).containsKey("tool_calls");
        assertThat(messages.get(2).content()).isEqualTo("42");
    }

    @Test
    void vllmsOwnFieldsMeanWhatTheyMeanInAChat() {
        says(FinishReason.STOP, "x");
        JsonNode response = create("{\"input\":\"a\",\"truncation\":\"auto\",\"logit_bias\":{\"3\":1.5},"
                + "\"skip_special_tokens\":false,\"include_stop_str_in_output\":true,\"stop\":\"y\","
                + "\"structured_outputs\":{\"regex\":\"x+\"},\"vllm_xargs\":{\"session_id\":\"s\"}}");
        assertThat(response.path("truncation").stringValue()).isEqualTo("auto");
        GenerationRequest request = server.engine().submitted().request();
        assertThat(request.promptRules().truncateTo())
                .as("as much of the end as fits")
                .hasValue(-1);
        assertThat(request.sampling().tokenRules().logitBias()).containsEntry(3, 1.5);
        assertThat(request.sampling().skipSpecialTokens()).isFalse();
        assertThat(request.sampling().stopRules().includeInOutput()).isTrue();
        assertThat(request.sampling().constraint()).contains(new OutputConstraint.Regex("x+"));
    }

    @Test
    void aSchemaIsAConstraint() {
        says(FinishReason.STOP, "null");
        create(
                "{\"input\":\"a\",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{\"type\":\"null\"}}}}");
        assertThat(server.engine().submitted().request().sampling().constraint())
                .contains(new OutputConstraint.JsonSchema("{\"type\":\"null\"}"));
    }

    @Test
    void eventsComeInTheOrderClientsExpect() {
        says(FinishReason.STOP, "Hello", " you<tool_call>{\"name\":\"f\",\"arguments\":{", "}}</tool_call>");
        List<JsonNode> events =
                events("{\"input\":\"a\",\"stream\":true," + "\"tools\":[{\"type\":\"function\",\"name\":\"f\"}]}");
        List<String> types =
                events.stream().map(event -> event.path("type").stringValue()).toList();
        assertThat(types)
                .containsExactly(
                        "response.created",
                        "response.in_progress",
                        "response.output_item.added",
                        "response.content_part.added",
                        "response.output_text.delta",
                        "response.output_text.delta",
                        "response.output_text.done",
                        "response.content_part.done",
                        "response.output_item.done",
                        "response.output_item.added",
                        "response.function_call_arguments.delta",
                        "response.function_call_arguments.delta",
                        "response.function_call_arguments.done",
                        "response.output_item.done",
                        "response.completed");
        for (int i = 0; i < events.size(); i++) {
            assertThat(events.get(i).path("sequence_number").intValue()).isEqualTo(i);
        }
        assertThat(events.get(6).path("text").stringValue()).isEqualTo("Hello you");
        assertThat(events.get(12).path("arguments").stringValue()).isEqualTo("{}");
        JsonNode output = events.getLast().path("response").path("output");
        assertThat(output).hasSize(2);
        assertThat(output.get(1).path("call_id"))
                .isEqualTo(events.get(9).path("item").path("call_id"));
    }

    private static List<JsonNode> events(String body) {
        List<JsonNode> events = new ArrayList<>();
        for (String event : server.post(PATH, body).body().split("\n\n")) {
            String[] lines = event.split("\n");
            JsonNode data = TestServer.JSON.readTree(lines[1].substring("data: ".length()));
            assertThat(lines[0]).isEqualTo("event: " + data.path("type").stringValue());
            events.add(data);
        }
        return events;
    }

    @Test
    void aBackgroundAnswerIsFetchedLater() {
        server.engine().script(ScriptedGeneration::silent);
        JsonNode queued = create("{\"input\":\"a\",\"background\":true}");
        assertThat(queued.path("status").stringValue()).isEqualTo("queued");
        String path = PATH + "/" + queued.path("id").stringValue();
        assertThat(json(server.get(path)).path("status").stringValue()).isEqualTo("queued");
        server.engine().submitted().finish("late", FinishReason.STOP);
        awaitStatus(path, "completed");
        assertThat(json(server.get(path))
                        .path("output")
                        .get(0)
                        .path("content")
                        .get(0)
                        .path("text")
                        .stringValue())
                .isEqualTo("late");
    }

    @Test
    void aBackgroundAnswerIsCancelled() {
        server.engine().script(ScriptedGeneration::silent);
        String path = PATH + "/"
                + create("{\"input\":\"a\",\"background\":true}").path("id").stringValue();
        assertThat(json(server.post(path + "/cancel", "")).path("status").stringValue())
                .isEqualTo("cancelled");
        server.engine().submitted().awaitClosed();
        assertThat(json(server.get(path)).path("status").stringValue()).isEqualTo("cancelled");
        assertThat(json(server.post(path + "/cancel", "")).path("status").stringValue())
                .isEqualTo("cancelled");
    }

    @Test
    void anAnswerInTheForegroundIsNotToBeCancelled() {
        says(FinishReason.STOP, "x");
        String id = create("{\"input\":\"a\"}").path("id").stringValue();
        assertThat(server.post(PATH + "/" + id + "/cancel", "").statusCode()).isEqualTo(400);
    }

    private static void awaitStatus(String path, String status) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!json(server.get(path)).path("status").stringValue().equals(status)) {
            assertThat(System.nanoTime()).as("waiting for " + status).isLessThan(deadline);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{}; body.input",
                "{\"input\":[]}; body.input",
                "{\"input\":[{\"role\":\"user\",\"content\":7}]}; body.input.0.content",
                "{\"instructions\":\"be\",\"input\":[{\"type\":\"reasoning\"},{\"role\":\"user\",\"content\":7}]}; body.input.1.content",
                "{\"input\":\"a\",\"max_output_tokens\":100000}; max_output_tokens",
                "{\"input\":\"a\",\"metadata\":\"x\"}; body.metadata",
                "{\"input\":\"a\",\"text\":{\"format\":{\"type\":\"json_schema\"}}}; text.format",
                "{\"input\":\"a\",\"tools\":[{\"type\":\"function\"}]}; body.tools.0",
                "{\"input\":\"a\",\"vllm_xargs\":{\"a\":1}}; vllm_xargs",
                "{\"input\":\"a\",\"kv_transfer_params\":{\"a\":1}}; kv_transfer_params",
                "{\"input\":\"a\",\"prompt\":{\"id\":\"x\"}}; prompt",
                "{\"input\":\"a\",\"previous_response\":{}}; previous_response",
                "{\"input\":\"a\",\"truncation\":\"middle\"}; body.truncation"
            })
    void errorsNameWhatTheClientSent(String body, String param) {
        JsonNode error =
                TestServer.JSON.readTree(server.post(PATH, body).body()).path("error");
        assertThat(error.path("param").stringValue()).as("%s", error).isEqualTo(param);
        assertThat(error.path("message").stringValue())
                .doesNotContain("messages", "max_completion_tokens", "response_format", "\"function\": {");
    }

    @Test
    void whatTheEngineRefusesIsToldInTheSameWords() {
        server.engine().script(request -> {
            throw new dev.spandrel.engine.EngineException.InvalidRequest("messages", "no chat template for messages");
        });
        JsonNode error = TestServer.JSON
                .readTree(server.post(PATH, "{\"input\":\"a\"}").body())
                .path("error");
        assertThat(error.path("param").stringValue()).isEqualTo("input");
        assertThat(error.path("message").stringValue()).isEqualTo("no chat template for input");
        assertThat(error.path("type").stringValue()).isEqualTo("BadRequestError");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{}; 400",
                "{\"input\":[]}; 400",
                "{\"input\":[{\"type\":\"item_reference\"}]}; 400",
                "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\"}]}]}; 400",
                "{\"input\":\"a\",\"tools\":[{\"type\":\"web_search\"}]}; 400",
                "{\"input\":\"a\",\"background\":true,\"store\":false}; 400",
                "{\"input\":\"a\",\"background\":true,\"stream\":true}; 400",
                "{\"input\":\"a\",\"enable_response_messages\":true}; 400",
                "{\"input\":\"a\",\"model\":\"other\"}; 404",
                "{\"input\":\"a\",\"temperature\":9}; 400"
            })
    void whatIsWrongIsSaid(String body, int status) {
        HttpResponse<String> response = server.post(PATH, body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    }
}

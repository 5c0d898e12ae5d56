package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.Penalties;
import dev.spandrel.engine.PromptRules;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.StopRules;
import dev.spandrel.engine.TokenRules;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.ScriptedGeneration;
import dev.spandrel.server.TestServer;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Fields that shape sampling and what is told of tokens, at both endpoints; vLLM's tests of completions and chat. */
class SamplingFieldsTest {
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

    @Test
    void everyFieldReachesTheEngine() {
        server.completion("""
                {"prompt":"a","max_tokens":4,"presence_penalty":0.5,"frequency_penalty":"-1","repetition_penalty":1.5,
                 "logit_bias":{"7":200,"8":-3},"min_p":0.1,"min_tokens":2,"stop_token_ids":[3,4],"bad_words":["x"],
                 "include_stop_str_in_output":true,"allowed_token_ids":[7,8],"skip_special_tokens":false,
                 "spaces_between_special_tokens":false,"truncate_prompt_tokens":-1,"truncation_side":"right"}""");
        var request = server.engine().submitted().request();
        SamplingParams sampling = request.sampling();
        assertThat(sampling.penalties()).isEqualTo(new Penalties(0.5, -1, 1.5));
        assertThat(sampling.tokenRules())
                .isEqualTo(new TokenRules(Map.of(7, 100.0, 8, -3.0), List.of(7, 8), List.of("x")));
        assertThat(sampling.minP()).isEqualTo(0.1);
        assertThat(sampling.stopRules()).isEqualTo(new StopRules(List.of(), List.of(3, 4), false, 2, true));
        assertThat(sampling.skipSpecialTokens()).isFalse();
        assertThat(request.promptRules()).isEqualTo(new PromptRules(OptionalInt.of(-1), false));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "presence_penalty; 2.5",
                "frequency_penalty; -3",
                "repetition_penalty; 0",
                "min_p; 1.5",
                "min_tokens; -1",
                "min_tokens; 17",
                "logprobs; 21",
                "logprobs; -1",
                "prompt_logprobs; -1",
                "allowed_token_ids; []",
                "truncate_prompt_tokens; -2",
                "truncation_side; \"middle\"",
                "bad_words; [\"\"]"
            })
    void valuesOutsideTheirRangeAreNamed(String field, String value) {
        for (String stream : new String[] {"false", "true"}) {
            HttpResponse<String> response = server.post(
                    "/v1/completions", "{\"prompt\":\"a\",\"stream\":" + stream + ",\"" + field + "\":" + value + "}");
            assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
            assertThat(error(response).path("param").stringValue()).isEqualTo(field);
        }
        // The server lives on.
        server.completion("{\"prompt\":\"a\"}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{\"x\":1}; body.logit_bias",
                "{\"1.5\":1}; body.logit_bias",
                "{\"1\":\"much\"}; body.logit_bias.1",
                "[1]; body.logit_bias"
            })
    void badBiasesAreValidationErrors(String bias, String param) {
        for (String path : new String[] {"/v1/completions", "/v1/chat/completions"}) {
            HttpResponse<String> response = server.post(
                    path,
                    "{\"prompt\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"logit_bias\":" + bias
                            + "}");
            assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
            assertThat(error(response).path("param").stringValue()).isEqualTo(param);
        }
    }

    @Test
    void zeroLogprobsTellOnlyTheChosenToken() {
        JsonNode logprobs =
                choice("{\"prompt\":\"a\",\"max_tokens\":1,\"logprobs\":0}").path("logprobs");
        assertThat(logprobs.toString())
                .isEqualTo("{\"text_offset\":[0],\"token_logprobs\":[-1.5],\"tokens\":[\" t10\"],"
                        + "\"top_logprobs\":[{\" t10\":-1.5}]}");
    }

    @Test
    void someLogprobsTellTheChosenTokenAndTheLikeliest() {
        JsonNode logprobs =
                choice("{\"prompt\":\"a\",\"max_tokens\":2,\"logprobs\":5}").path("logprobs");
        assertThat(logprobs.path("top_logprobs"))
                .hasSize(2)
                .allSatisfy(top -> assertThat(top).hasSizeBetween(5, 6));
        assertThat(logprobs.path("text_offset").toString()).isEqualTo("[0,4]");
    }

    @Test
    void echoedPromptHasLogprobsButForItsFirstToken() {
        JsonNode choice = choice("{\"prompt\":\"a b c\",\"max_tokens\":1,\"logprobs\":1,\"echo\":true}");
        assertThat(choice.path("text").stringValue()).startsWith("a b c");
        JsonNode logprobs = choice.path("logprobs");
        assertThat(logprobs.path("tokens").toString()).isEqualTo("[\" t100\",\" t101\",\" t102\",\" t10\"]");
        assertThat(logprobs.path("token_logprobs").get(0).isNull()).isTrue();
        assertThat(logprobs.path("top_logprobs").get(0).isNull()).isTrue();
        assertThat(logprobs.path("top_logprobs").get(1)).hasSize(2);
    }

    @Test
    void echoWithoutTokensReturnsOnlyThePrompt() {
        JsonNode answer = server.completion("{\"prompt\":\"a b c\",\"max_tokens\":0,\"echo\":true,\"logprobs\":0}");
        JsonNode choice = answer.path("choices").get(0);
        assertThat(choice.path("text").stringValue()).isEqualTo("a b c");
        assertThat(choice.path("logprobs").path("tokens")).hasSize(3);
        assertThat(choice.path("finish_reason").stringValue()).isEqualTo("length");
        assertThat(answer.path("usage").path("completion_tokens").intValue()).isZero();
    }

    @Test
    void echoOfTokenIdsIsTheirText() {
        assertThat(choice("{\"prompt\":[5,6],\"max_tokens\":1,\"echo\":true}")
                        .path("text")
                        .stringValue())
                .isEqualTo("t5 t6 w0");
    }

    @Test
    void promptLogprobsAreMapsById() {
        JsonNode prompt = choice("{\"prompt\":\"a b\",\"max_tokens\":1,\"prompt_logprobs\":1}")
                .path("prompt_logprobs");
        assertThat(prompt.get(0).isNull()).isTrue();
        assertThat(prompt.get(1).toString())
                .isEqualTo("{\"101\":{\"logprob\":-1.5,\"rank\":2,\"decoded_token\":\" t101\"},"
                        + "\"20\":{\"logprob\":-0.5,\"rank\":1,\"decoded_token\":\" t20\"}}");
    }

    @Test
    void tokenIdsAreTold() {
        JsonNode choice = choice(
                "{\"prompt\":\"a b\",\"max_tokens\":2,\"return_token_ids\":true,\"logprobs\":0,\"return_tokens_as_token_ids\":true}");
        assertThat(choice.path("token_ids").toString()).isEqualTo("[10,11]");
        assertThat(choice.path("prompt_token_ids").toString()).isEqualTo("[100,101]");
        assertThat(choice.path("logprobs").path("tokens").toString()).isEqualTo("[\"token_id:10\",\"token_id:11\"]");
    }

    @Test
    void stopTokenIsTheStopReason() {
        server.engine()
                .script(request -> ScriptedGeneration.silent(request)
                        .send(new GenerationEvent.Finished(
                                "x", 1, FinishReason.STOP, Optional.empty(), OptionalInt.of(3), null)));
        JsonNode choice = choice("{\"prompt\":\"a\",\"stop_token_ids\":[3]}");
        assertThat(choice.path("finish_reason").stringValue()).isEqualTo("stop");
        assertThat(choice.path("stop_reason").intValue()).isEqualTo(3);
    }

    @Test
    void streamedTokensAddUp() {
        List<JsonNode> chunks = stream(
                "/v1/completions",
                "{\"prompt\":\"a b\",\"max_tokens\":5,\"stream\":true,\"logprobs\":1,\"return_token_ids\":true,\"echo\":true}");
        List<Integer> ids = new ArrayList<>();
        List<String> tokens = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        int offset = 0;
        for (JsonNode chunk : chunks) {
            JsonNode choice = chunk.path("choices").get(0);
            text.append(choice.path("text").stringValue());
            choice.path("token_ids").forEach(id -> ids.add(id.intValue()));
            for (int i = 0; i < choice.path("logprobs").path("tokens").size(); i++) {
                assertThat(choice.path("logprobs").path("text_offset").get(i).intValue())
                        .isEqualTo(offset);
                tokens.add(choice.path("logprobs").path("tokens").get(i).stringValue());
                offset += tokens.getLast().length();
            }
            assertThat(choice.path("prompt_token_ids").isMissingNode()).isEqualTo(chunk != chunks.getFirst());
        }
        assertThat(text).hasToString("a b w0 w1 w2 w3 w4");
        assertThat(ids).containsExactly(10, 11, 12, 13, 14);
        assertThat(tokens).containsExactly(" t100", " t101", " t10", " t11", " t12", " t13", " t14");
    }

    @Test
    void chatLogprobsHaveBytesAndTheLikeliest() {
        JsonNode choice = chat("\"max_tokens\":2,\"logprobs\":true,\"top_logprobs\":5")
                .path("choices")
                .get(0);
        JsonNode content = choice.path("logprobs").path("content");
        assertThat(content).hasSize(2);
        assertThat(content.get(0).path("top_logprobs")).hasSize(5);
        assertThat(content.get(0).path("bytes").toString()).isEqualTo("[32,116,49,48]");
        JsonNode zero = chat("\"max_tokens\":1,\"logprobs\":true,\"top_logprobs\":0")
                .path("choices")
                .get(0);
        assertThat(zero.path("logprobs").path("content").get(0).path("top_logprobs"))
                .isEmpty();
        assertThat(chat("\"max_tokens\":1")
                        .path("choices")
                        .get(0)
                        .path("logprobs")
                        .isNull())
                .isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {"\"logprobs\":true,\"top_logprobs\":21", "\"top_logprobs\":1"})
    void tooManyChatLogprobsAreRefused(String fields) {
        HttpResponse<String> response = server.post(
                "/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]," + fields + "}");
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(error(response).path("param").stringValue()).isEqualTo("top_logprobs");
    }

    @Test
    void chatTellsThePromptOnce() {
        JsonNode answer = chat("\"max_tokens\":1,\"prompt_logprobs\":0,\"return_token_ids\":true");
        assertThat(answer.path("prompt_logprobs")).hasSize(1);
        assertThat(answer.path("prompt_token_ids").toString()).isEqualTo("[100]");
        assertThat(answer.path("choices").get(0).path("token_ids").toString()).isEqualTo("[10]");
    }

    @Test
    void aConversationIsContinuedAndEchoed() {
        JsonNode answer = TestServer.JSON.readTree(
                server.post("/v1/chat/completions", """
                        {"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"It is"}],"max_tokens":1,
                         "echo":true,"continue_final_message":true,"add_generation_prompt":false,
                         "chat_template_kwargs":{"enable_thinking":false}}""").body());
        assertThat(answer.path("choices").get(0).path("message").path("content").stringValue())
                .isEqualTo("It is w0");
        HttpResponse<String> both = server.post(
                "/v1/chat/completions",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"continue_final_message\":true}");
        assertThat(both.statusCode()).isEqualTo(400);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {"logprobs; 1", "min_tokens; 1", "stop_token_ids; [1]", "repetition_penalty; 2"})
    void beamSearchDoesNotTakeThem(String field, String value) {
        HttpResponse<String> response = server.post(
                "/v1/completions",
                "{\"prompt\":\"a\",\"n\":2,\"use_beam_search\":true,\"" + field + "\":" + value + "}");
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(error(response).path("message").stringValue()).contains("not supported by this server");
        assertThat(error(response).path("param").stringValue()).isEqualTo(field);
    }

    private static JsonNode chat(String fields) {
        HttpResponse<String> response = server.post(
                "/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]," + fields + "}");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return TestServer.JSON.readTree(response.body());
    }

    private static JsonNode choice(String body) {
        return server.completion(body).path("choices").get(0);
    }

    private static JsonNode error(HttpResponse<String> response) {
        return TestServer.JSON.readTree(response.body()).path("error");
    }

    private static List<JsonNode> stream(String path, String body) {
        List<JsonNode> chunks = new ArrayList<>();
        for (String line : server.post(path, body).body().split("\n\n")) {
            String data = line.substring("data: ".length());
            if (!data.equals("[DONE]")) {
                chunks.add(TestServer.JSON.readTree(data));
            }
        }
        return chunks;
    }
}

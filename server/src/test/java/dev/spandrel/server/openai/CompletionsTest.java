package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.Prompt;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.ScriptedGeneration;
import dev.spandrel.server.TestServer;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** {@code POST /v1/completions}, plain answers. */
class CompletionsTest {
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
    void answerHasVllmsShape() {
        JsonNode answer = server.completion("{\"model\":\"alias\",\"prompt\":\"a b c\",\"max_tokens\":2}");
        assertThat(answer.propertyNames())
                .containsExactly(
                        "id",
                        "object",
                        "created",
                        "model",
                        "choices",
                        "service_tier",
                        "system_fingerprint",
                        "usage",
                        "kv_transfer_params");
        assertThat(answer.path("id").stringValue()).matches("cmpl-[0-9a-f]{32}");
        assertThat(answer.path("object").stringValue()).isEqualTo("text_completion");
        assertThat(answer.path("model").stringValue()).isEqualTo("scripted");
        assertThat(answer.path("system_fingerprint").stringValue()).matches("spandrel-1\\.2\\.3-[0-9a-f]{8}");
        assertThat(answer.path("choices").toString())
                .isEqualTo(
                        "[{\"index\":0,\"text\":\" w0 w1\",\"logprobs\":null,\"finish_reason\":\"length\","
                                + "\"stop_reason\":null,\"token_ids\":null,\"prompt_logprobs\":null,\"prompt_token_ids\":null}]");
        assertThat(answer.path("usage").toString())
                .isEqualTo("{\"prompt_tokens\":3,\"total_tokens\":5,\"completion_tokens\":2,"
                        + "\"prompt_tokens_details\":null}");
    }

    @Test
    void sixteenTokensUnlessAsked() {
        server.completion("{\"prompt\":\"a\",\"max_tokens\":null}");
        assertThat(sampling().maxTokens()).isEqualTo(OptionalInt.of(16));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"a b\"", "[\"a b\"]", "[1,2]", "[[1,2]]"})
    void promptHasFourShapes(String prompt) {
        JsonNode answer = server.completion("{\"prompt\":" + prompt + "}");
        assertThat(answer.path("usage").path("prompt_tokens").intValue()).isEqualTo(2);
        Prompt seen = server.engine().submitted().request().prompt();
        assertThat(seen).isEqualTo(prompt.contains("a") ? new Prompt.Text("a b") : new Prompt.Tokens(List.of(1, 2)));
    }

    @Test
    void choicesOfSeveralPromptsAreOrderedPromptByPrompt() {
        JsonNode answer = server.completion(
                "{\"prompt\":[\"a\",\"b b\"],\"n\":2,\"seed\":7,\"max_tokens\":1,\"request_id\":\"r\"}");
        assertThat(answer.path("choices").size()).isEqualTo(4);
        List<GenerationRequest> requests = List.of(next(), next(), next(), next());
        assertThat(requests)
                .extracting(GenerationRequest::id)
                .containsExactly("cmpl-r-0", "cmpl-r-0", "cmpl-r-1", "cmpl-r-1");
        assertThat(requests)
                .extracting(request -> request.sampling().seed().getAsLong())
                .containsExactly(7L, 8L, 7L, 8L);
        assertThat(answer.path("usage").path("prompt_tokens").intValue()).isEqualTo(3);
        assertThat(answer.path("usage").path("completion_tokens").intValue()).isEqualTo(4);
    }

    @Test
    void headerNamesTheRequestBeforeTheBody() {
        HttpResponse<String> response =
                server.post("/v1/completions", "{\"prompt\":\"a\",\"request_id\":\"body\"}", "X-Request-Id", "header");
        assertThat(TestServer.JSON.readTree(response.body()).path("id").stringValue())
                .isEqualTo("cmpl-header");
    }

    @Test
    void samplingFieldsReachTheEngineHoweverTheyAreWritten() {
        server.completion("""
                {"prompt":"a","temperature":"0.5","top_p":0.25,"top_k":3.0,"seed":9223372036854775807,
                 "stop":["x","y"],"ignore_eos":"true","max_tokens":"4","made_up":{"deep":[1]}}""");
        var sampling = sampling();
        assertThat(sampling.temperature()).isEqualTo(0.5);
        assertThat(sampling.topP()).isEqualTo(0.25);
        assertThat(sampling.topK()).isEqualTo(3);
        assertThat(sampling.seed()).hasValue(Long.MAX_VALUE);
        assertThat(sampling.stop()).containsExactly("x", "y");
        assertThat(sampling.ignoreEos()).isTrue();
        assertThat(sampling.maxTokens()).hasValue(4);
    }

    @Test
    void tinyTemperatureIsRaised() {
        server.completion("{\"prompt\":\"a\",\"temperature\":0.0001}");
        assertThat(sampling().temperature()).isEqualTo(0.01);
    }

    @Test
    void stopStringIsTheStopReason() {
        server.engine().script(request -> ScriptedGeneration.silent(request).stopAt("text", "END"));
        JsonNode choice = server.completion("{\"prompt\":\"a\",\"stop\":\"END\"}")
                .path("choices")
                .get(0);
        assertThat(choice.path("finish_reason").stringValue()).isEqualTo("stop");
        assertThat(choice.path("stop_reason").stringValue()).isEqualTo("END");
    }

    @Test
    void echoPutsThePromptInFront() {
        JsonNode answer = server.completion("{\"prompt\":\"a b\",\"echo\":true,\"max_tokens\":1}");
        assertThat(answer.path("choices").get(0).path("text").stringValue()).isEqualTo("a b w0");
    }

    @Test
    void neutralValuesOfUnsupportedFieldsAreFine() {
        server.completion("""
                {"prompt":"a","use_beam_search":"false","presence_penalty":0,"frequency_penalty":0.0,
                 "repetition_penalty":1,"min_p":0,"logit_bias":{},"logprobs":null,"response_format":{"type":"text"},
                 "suffix":"s","user":"u","stop_token_ids":[],"vllm_xargs":{"session_id":"s"}}""");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"prompt_embeds\":\"x\"",
                "\"kv_transfer_params\":{\"a\":1}",
                "\"vllm_xargs\":{\"session_id\":\"s\",\"other\":1}",
                "\"repetition_detection\":{}"
            })
    void unsupportedFieldsAreNamed(String field) {
        String name = field.substring(1, field.indexOf('"', 1));
        assertError("{\"prompt\":\"a\"," + field + "}", 400, "BadRequestError", name, "not supported by this server");
    }

    @Test
    void saltReachesTheEngineAndPriorityNeedsItsPolicy() {
        server.completion("{\"prompt\":\"a\",\"cache_salt\":\"tenant\",\"priority\":0}");
        assertThat(next().cacheSalt()).isEqualTo("tenant");
        assertError("{\"prompt\":\"a\",\"priority\":3}", 400, "BadRequestError", "priority", "--scheduling-policy");
    }

    @Test
    void aProxysPriorityGoesBeforeTheClients() {
        String body = "{\"prompt\":\"a\",\"priority\":3}";
        assertThat(server.post("/v1/completions", body, "X-Vllm-Priority", "0").statusCode())
                .isEqualTo(200);
        assertThat(server.post("/v1/completions", "{\"prompt\":\"a\"}", "X-Vllm-Priority", "-7")
                        .body())
                .contains("priority -7 was given");
        assertThat(server.post("/v1/completions", body, "X-Vllm-Priority", "soon")
                        .body())
                .as("no number is none")
                .contains("priority 3 was given");
        assertThat(server.post("/v1/responses", "{\"input\":\"a\"}", "X-Vllm-Priority", "2")
                        .body())
                .contains("priority 2 was given");
    }

    @Test
    void vllmsExampleBodyHasThreeBeams() {
        JsonNode answer =
                server.completion("{\"model\":\"scripted\",\"prompt\":\"San Francisco is a\",\"max_tokens\":10,\"n\":3,"
                        + "\"use_beam_search\":\"true\",\"temperature\":0.0}");
        assertThat(answer.path("choices")).hasSize(3);
        assertThat(answer.path("usage").path("prompt_tokens").intValue()).isEqualTo(4);
        assertThat(answer.path("usage").path("completion_tokens").intValue()).isEqualTo(30);
    }

    @Test
    void stopTextsAreNotForBeams() {
        assertError(
                "{\"prompt\":\"a\",\"n\":2,\"use_beam_search\":true,\"stop\":\"x\"}",
                400,
                "BadRequestError",
                "stop",
                "beam search");
    }

    @Test
    void greedySamplingHasOneChoice() {
        assertError(
                "{\"prompt\":\"a\",\"n\":3,\"temperature\":0}",
                400,
                "BadRequestError",
                "n",
                "n must be 1 when using greedy");
    }

    @Test
    void unknownModelIsNotFound() {
        assertError(
                "{\"model\":\"gpt-9\",\"prompt\":\"a\"}",
                404,
                "NotFoundError",
                "model",
                "The model `gpt-9` does not exist.");
    }

    @Test
    void badValuesNameTheirField() {
        assertError(
                "{\"prompt\":\"a\",\"temperature\":3}", 400, "BadRequestError", "temperature", "parameter=temperature");
        assertError("{\"prompt\":\"a\",\"top_p\":0}", 400, "BadRequestError", "top_p", "value=0.0");
        assertError("{\"prompt\":\"a\",\"max_tokens\":0}", 400, "BadRequestError", "max_tokens", "at least 1");
        assertError("{\"prompt\":\"a\",\"max_tokens\":-1}", 400, "BadRequestError", "max_tokens", "at least 1");
        assertError("{\"prompt\":\"a\",\"max_tokens\":257}", 400, "BadRequestError", "max_tokens", "256");
        assertError("{\"prompt\":\"a\",\"max_tokens\":256}", 400, "BadRequestError", "input_tokens", "257");
        assertError("{\"prompt\":\"a\",\"n\":0}", 400, "BadRequestError", "n", "between 1 and 16384");
        assertError("{\"prompt\":\"a\",\"n\":65}", 400, "BadRequestError", "n", "must not exceed 64");
        assertError("{\"prompt\":\"a\",\"stop\":[\"\"]}", 400, "BadRequestError", "stop", "empty string");
        assertError("{\"prompt\":\"\"}", 400, "BadRequestError", "prompt", "empty");
        assertError("{\"prompt\":[]}", 400, "BadRequestError", "prompt", "got 0");
        assertError("{\"prompt\":[1,1000]}", 400, "BadRequestError", "prompt", "out of vocabulary");
        assertError("{\"prompt\":[[-1]]}", 400, "BadRequestError", "prompt", "out of vocabulary");
    }

    @Test
    void wrongTypesAreValidationErrors() {
        assertError("{}", 400, "Bad Request", "body.prompt", "1 validation error:\n  body.prompt: field required");
        assertError("{\"prompt\":true}", 400, "Bad Request", "body.prompt", "found true");
        assertError("{\"prompt\":[\"a\",1]}", 400, "Bad Request", "body.prompt.1", "expected a string, found 1");
        assertError("{\"prompt\":[[1,\"a\"]]}", 400, "Bad Request", "body.prompt.0.1", "a token id");
        assertError("{\"prompt\":\"a\",\"max_tokens\":1.5}", 400, "Bad Request", "body.max_tokens", "found 1.5");
        assertError("{\"prompt\":\"a\",\"max_tokens\":1e400}", 400, "Bad Request", "body.max_tokens", "integer");
        assertError("{\"prompt\":\"a\",\"seed\":9223372036854775808}", 400, "Bad Request", "body.seed", "64 bits");
        assertError("{\"prompt\":\"a\",\"stream\":\"maybe\"}", 400, "Bad Request", "body.stream", "boolean");
        assertError(
                "{\"prompt\":1.5,\"temperature\":[],\"model\":7}",
                400,
                "Bad Request",
                "body.model",
                "3 validation errors:");
    }

    @Test
    void streamOptionsNeedAStream() {
        assertError(
                "{\"prompt\":\"a\",\"stream_options\":{}}", 400, "BadRequestError", "stream_options", "stream is true");
    }

    @Test
    void fullQueueTellsWhenToComeBack() {
        server.engine().script(_ -> {
            throw new EngineException.Rejected("the queue is full", Duration.ofMillis(1500));
        });
        HttpResponse<String> response = server.post("/v1/completions", "{\"prompt\":\"a\"}");
        assertThat(response.statusCode()).isEqualTo(429);
        assertThat(response.headers().firstValue("Retry-After")).contains("2");
    }

    @Test
    void refusalOfOneChoiceCancelsTheOthers() {
        server.engine().script(request -> {
            if (request.sampling().seed().getAsLong() == 2) {
                throw new EngineException.Rejected("the queue is full", Duration.ofSeconds(1));
            }
            return ScriptedGeneration.silent(request);
        });
        HttpResponse<String> response = server.post("/v1/completions", "{\"prompt\":\"a\",\"n\":3,\"seed\":0}");
        assertThat(response.statusCode()).isEqualTo(429);
        server.engine().submitted().awaitClosed();
        server.engine().submitted().awaitClosed();
    }

    @Test
    void failureOfOneChoiceFailsTheAnswer() {
        server.engine()
                .script(request -> request.sampling().seed().getAsLong() == 1
                        ? ScriptedGeneration.silent(request)
                                .send("x")
                                .fail(new EngineException.StepFailed("step 3 failed", null))
                        : ScriptedGeneration.silent(request));
        HttpResponse<String> response = server.post("/v1/completions", "{\"prompt\":\"a\",\"n\":2,\"seed\":0}");
        assertThat(response.statusCode()).isEqualTo(500);
        assertThat(response.body()).contains("InternalServerError").contains("step 3 failed");
        server.engine().submitted().awaitClosed();
    }

    @Test
    void drainingServerTakesNothingNew() {
        server.draining(true);
        try {
            HttpResponse<String> response = server.post("/v1/completions", "{\"prompt\":\"a\"}");
            assertThat(response.statusCode()).isEqualTo(503);
            assertThat(server.get("/health").statusCode()).isEqualTo(503);
        } finally {
            server.draining(false);
        }
    }

    private GenerationRequest next() {
        return server.engine().submitted().request();
    }

    private dev.spandrel.engine.SamplingParams sampling() {
        return next().sampling();
    }

    private static void assertError(String body, int status, String type, String param, String message) {
        HttpResponse<String> response = server.post("/v1/completions", body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        assertThat(response.headers().firstValue("Content-Type")).contains("application/json");
        JsonNode error = TestServer.JSON.readTree(response.body()).path("error");
        assertThat(error.propertyNames()).containsExactly("message", "type", "param", "code");
        assertThat(error.path("type").stringValue()).isEqualTo(type);
        assertThat(error.path("param").stringValue()).isEqualTo(param);
        assertThat(error.path("code").intValue()).isEqualTo(status);
        assertThat(error.path("message").stringValue()).contains(message);
    }
}

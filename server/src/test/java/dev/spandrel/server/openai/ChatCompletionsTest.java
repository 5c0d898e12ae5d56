package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** {@code POST /v1/chat/completions}, plain answers. */
class ChatCompletionsTest {
    private static final String HI = "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]";

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
        JsonNode answer = chat("{" + HI + ",\"max_tokens\":2}");
        assertThat(answer.path("id").stringValue()).startsWith("chatcmpl-");
        assertThat(answer.path("object").stringValue()).isEqualTo("chat.completion");
        assertThat(answer.path("choices").toString())
                .isEqualTo("[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\" w0 w1\",\"refusal\":null,"
                        + "\"annotations\":null,\"audio\":null,\"function_call\":null,\"reasoning\":null},"
                        + "\"logprobs\":null,\"finish_reason\":\"length\",\"stop_reason\":null,\"token_ids\":null}]");
    }

    @Test
    void withoutAMaximumTheContextIsIt() {
        chat("{" + HI + "}");
        assertThat(server.engine().submitted().request().sampling().maxTokens()).isEmpty();
    }

    @Test
    void maxCompletionTokensWins() {
        chat("{" + HI + ",\"max_tokens\":2,\"max_completion_tokens\":5}");
        assertThat(server.engine().submitted().request().sampling().maxTokens()).hasValue(5);
    }

    @Test
    void theModelsDefaultIsCutToTheContext() {
        SamplingParams defaults = SamplingParams.DEFAULT.withMaxTokens(10_000).withTemperature(0.3);
        try (TestServer other = TestServer.start(new ScriptedEngine(defaults))) {
            other.post("/v1/chat/completions", "{" + HI + "}");
            SamplingParams sampling = other.engine().submitted().request().sampling();
            assertThat(sampling.maxTokens()).hasValue(ScriptedEngine.MAX_MODEL_LEN - 1);
            assertThat(sampling.temperature()).isEqualTo(0.3);
        }
    }

    @Test
    void contentMayBeTextPartsAndRolesMayBeAny() {
        chat("""
                {"messages":[{"role":"system","content":"be brief","name":"x"},
                             {"role":"wizard","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
                             {"role":"assistant","content":null}]}""");
        assertThat(server.engine().submitted().request().prompt())
                .isEqualTo(new Prompt.Chat(List.of(
                        new ChatMessage("system", "be brief", Map.of("name", "x")),
                        new ChatMessage("wizard", "a\nb", List.of(part("a"), part("b")), Map.of()),
                        new ChatMessage("assistant", ""))));
    }

    private static Map<String, Object> part(String text) {
        return Map.of("type", "text", "text", text);
    }

    /** vLLM's tests of refusals, thoughts, extra fields of parts, and parts without text. */
    @Test
    void partsWithTextsOfOtherNamesAreTextsWithWhatElseTheyHold() {
        chat("""
                {"messages":[{"role":"user","content":["a",{"type":"text","text":"","cache_control":{"x":1}},{"text":"b"}]},
                             {"role":"assistant","content":[{"type":"thinking","thinking":"c","closed":true},
                                                            {"type":"refusal","refusal":"d"},
                                                            {"type":"output_text","text":"e"}]}]}""");
        assertThat(server.engine().submitted().request().prompt())
                .isEqualTo(new Prompt.Chat(List.of(
                        new ChatMessage(
                                "user",
                                "a\nb",
                                List.of(
                                        part("a"),
                                        Map.of("type", "text", "text", "", "cache_control", Map.of("x", 1L)),
                                        part("b")),
                                Map.of()),
                        new ChatMessage(
                                "assistant",
                                "c\nd\ne",
                                List.of(Map.of("type", "text", "text", "c", "closed", true), part("d"), part("e")),
                                Map.of()))));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{}|400|body.messages",
                "{\"messages\":[]}|400|messages",
                "{\"messages\":\"hi\"}|400|body.messages",
                "{\"messages\":[7]}|400|body.messages.0",
                "{\"messages\":[{\"content\":\"a\"}]}|400|body.messages.0.role",
                "{\"messages\":[{\"role\":\"user\",\"content\":7}]}|400|body.messages.0.content",
                "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}|400|messages",
                "{\"messages\":[{\"role\":\"a\",\"content\":\"x\"}],\"max_completion_tokens\":999}|400|max_completion_tokens"
            })
    void refusalsNameTheField(String body, int status, String param) {
        HttpResponse<String> response = server.post("/v1/chat/completions", body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        assertThat(TestServer.JSON
                        .readTree(response.body())
                        .path("error")
                        .path("param")
                        .stringValue())
                .isEqualTo(param);
    }

    private static JsonNode chat(String body) {
        HttpResponse<String> response = server.post("/v1/chat/completions", body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return TestServer.JSON.readTree(response.body());
    }
}

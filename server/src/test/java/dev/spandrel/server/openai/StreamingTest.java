package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.ScriptedGeneration;
import dev.spandrel.server.TestServer;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Server-sent events of both endpoints: vLLM's chunk rules. */
class StreamingTest {
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
    void bytesOnTheWire() {
        HttpResponse<String> response = server.post(
                "/v1/completions", "{\"prompt\":\"a\",\"max_tokens\":2,\"stream\":true,\"request_id\":\"r\"}");
        assertThat(response.headers().firstValue("Content-Type")).contains("text/event-stream; charset=utf-8");
        assertThat(response.body().replaceAll("\"created\":\\d+", "\"created\":0"))
                .isEqualTo("""
                        data: {"id":"cmpl-r","object":"text_completion","created":0,"model":"scripted",\
                        "choices":[{"index":0,"text":" w0","logprobs":null,"finish_reason":null,"stop_reason":null}]}

                        data: {"id":"cmpl-r","object":"text_completion","created":0,"model":"scripted",\
                        "choices":[{"index":0,"text":" w1","logprobs":null,"finish_reason":"length","stop_reason":null}]}

                        data: [DONE]

                        """);
    }

    @Test
    void chatOpensWithTheRole() {
        List<JsonNode> chunks = stream("/v1/chat/completions", chat("\"max_tokens\":2,\"stream\":true"));
        assertThat(chunks)
                .allSatisfy(
                        chunk -> assertThat(chunk.path("object").stringValue()).isEqualTo("chat.completion.chunk"));
        assertThat(chunks.stream()
                        .map(chunk -> chunk.path("choices").get(0).path("delta").toString()))
                .containsExactly(
                        "{\"role\":\"assistant\",\"content\":\"\"}", "{\"content\":\" w0\"}", "{\"content\":\" w1\"}");
        assertThat(chunks.stream()
                        .map(chunk -> chunk.path("choices")
                                .get(0)
                                .path("finish_reason")
                                .toString()))
                .containsExactly("null", "null", "\"length\"");
    }

    @Test
    void usageComesLastWhenAskedFor() {
        List<JsonNode> chunks = stream(
                "/v1/completions",
                "{\"prompt\":\"a b\",\"max_tokens\":3,\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
        assertThat(chunks).hasSize(4);
        assertThat(chunks.subList(0, 3)).noneMatch(chunk -> chunk.has("usage"));
        assertThat(chunks.getLast().path("choices").isEmpty()).isTrue();
        assertThat(chunks.getLast().path("usage").toString())
                .isEqualTo("{\"prompt_tokens\":2,\"total_tokens\":5,\"completion_tokens\":3}");
    }

    @Test
    void continuousUsageGrowsAndCountsOnlyTogether() {
        List<JsonNode> chunks = stream(
                "/v1/chat/completions",
                chat("\"max_tokens\":3,\"stream\":true,"
                        + "\"stream_options\":{\"include_usage\":true,\"continuous_usage_stats\":true}"));
        assertThat(chunks.stream()
                        .map(chunk ->
                                chunk.path("usage").path("completion_tokens").intValue()))
                .containsExactly(1, 1, 2, 3, 3);
        List<JsonNode> alone = stream(
                "/v1/completions",
                "{\"prompt\":\"a\",\"stream\":true,\"stream_options\":{\"continuous_usage_stats\":true}}");
        assertThat(alone).noneMatch(chunk -> chunk.has("usage"));
    }

    @Test
    void severalChoicesAreOneStreamToldApartByIndex() {
        List<JsonNode> chunks =
                stream("/v1/completions", "{\"prompt\":[\"a\",\"b\"],\"n\":3,\"max_tokens\":4,\"stream\":true}");
        TreeMap<Integer, String> texts = new TreeMap<>();
        TreeMap<Integer, Integer> ends = new TreeMap<>();
        for (JsonNode chunk : chunks) {
            assertThat(chunk.path("choices").size()).isEqualTo(1);
            JsonNode choice = chunk.path("choices").get(0);
            int index = choice.path("index").intValue();
            texts.merge(index, choice.path("text").stringValue(), String::concat);
            ends.merge(index, choice.path("finish_reason").isNull() ? 0 : 1, Integer::sum);
        }
        assertThat(texts).hasSize(6).allSatisfy((_, text) -> assertThat(text).isEqualTo(" w0 w1 w2 w3"));
        assertThat(ends.values()).containsOnly(1);
    }

    @Test
    void emptyPiecesAreNotSent() {
        server.engine()
                .script(request ->
                        ScriptedGeneration.silent(request).send("").send("é").finish("", FinishReason.STOP));
        List<JsonNode> chunks = stream("/v1/completions", "{\"prompt\":\"a\",\"stream\":true}");
        assertThat(chunks.stream()
                        .map(chunk -> chunk.path("choices").get(0).path("text").stringValue()))
                .containsExactly("é", "");
    }

    @Test
    void echoIsInTheFirstPiece() {
        List<JsonNode> chunks =
                stream("/v1/completions", "{\"prompt\":\"a b\",\"echo\":true,\"max_tokens\":2,\"stream\":true}");
        assertThat(chunks.stream()
                        .map(chunk -> chunk.path("choices").get(0).path("text").stringValue()))
                .containsExactly("a b w0", " w1");
    }

    @Test
    void failureBeforeTheFirstTokenHasItsStatus() {
        server.engine()
                .script(request ->
                        ScriptedGeneration.silent(request).fail(new EngineException.StepFailed("step failed", null)));
        HttpResponse<String> response = server.post("/v1/completions", "{\"prompt\":\"a\",\"stream\":true}");
        assertThat(response.statusCode()).isEqualTo(500);
        assertThat(response.headers().firstValue("Content-Type")).contains("application/json");
    }

    @Test
    void failureInTheMiddleIsAnEvent() {
        server.engine()
                .script(request -> ScriptedGeneration.silent(request)
                        .send("x")
                        .fail(new EngineException.StepFailed("step failed", null)));
        List<JsonNode> chunks = stream("/v1/completions", "{\"prompt\":\"a\",\"stream\":true}");
        assertThat(chunks.getLast().path("error").path("code").intValue()).isEqualTo(500);
        assertThat(chunks.getLast().path("error").path("message").stringValue()).isEqualTo("step failed");
    }

    @Test
    void abortedByTheEngineEndsTheStream() {
        server.engine()
                .script(request -> ScriptedGeneration.silent(request).send("x").finish("", FinishReason.ABORT));
        List<JsonNode> chunks = stream("/v1/completions", "{\"prompt\":\"a\",\"stream\":true}");
        assertThat(chunks.getLast().path("choices").get(0).path("finish_reason").stringValue())
                .isEqualTo("abort");
    }

    private static String chat(String fields) {
        return "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]," + fields + "}";
    }

    /** The chunks before {@code [DONE]}, which must be last. */
    private static List<JsonNode> stream(String path, String body) {
        HttpResponse<String> response = server.post(path, body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        List<String> events = new ArrayList<>(List.of(response.body().split("\n\n")));
        assertThat(events.removeLast()).isEqualTo("data: [DONE]");
        return events.stream()
                .map(event -> {
                    assertThat(event).startsWith("data: ");
                    return TestServer.JSON.readTree(event.substring("data: ".length()));
                })
                .toList();
    }
}

package dev.spandrel.server.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** One running server with the bundled model: what it answers, what its spans say, what becomes of clients that leave. */
class ServerApiIT {
    private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
    private static final String PARENT = "00f067aa0ba902b7";

    @AutoClose
    private static OtlpBackend backend;

    @AutoClose
    private static LaunchedProcess server;

    @AutoClose
    private static Api api;

    @BeforeAll
    static void start() throws IOException {
        backend = new OtlpBackend();
        server = Launcher.serve("--otlp-traces-endpoint", "127.0.0.1:" + backend.grpcPort())
                .with("OTEL_BSP_SCHEDULE_DELAY", "50")
                .start();
        api = new Api(server.awaitServerPort());
    }

    @AfterAll
    static void endsInGoodOrder() {
        assertThat(server.stop()).as("%s", server).isZero();
    }

    @Test
    void theQuestionsOfAProbeAreAnswered() {
        assertThat(api.get("/health").statusCode()).isEqualTo(200);
        assertThat(Api.json(api.get("/version").body()).path("version").asString())
                .isNotBlank();
        JsonNode models = Api.json(api.get("/v1/models").body());
        assertThat(models.path("data").path(0).path("id").asString()).isEqualTo("spandrel-tiny");
        HttpResponse<String> metrics = api.get("/metrics");
        assertThat(metrics.headers().firstValue("Content-Type").orElse("")).startsWith("text/plain; version=0.0.4");
        assertThat(metrics.body()).contains("# TYPE vllm:num_requests_running gauge");
    }

    @Test
    void aStreamGivesTheTextOfThePlainAnswer() {
        JsonNode plain = Api.json(api.complete(greedy(64, false)).body());
        HttpResponse<String> streamed = api.complete(greedy(64, true));
        List<String> events =
                streamed.body().lines().filter(line -> !line.isEmpty()).toList();
        assertThat(events).allMatch(line -> line.startsWith("data: ")).endsWith("data: [DONE]");
        List<JsonNode> choices = events.stream()
                .limit(events.size() - 1L)
                .map(line -> Api.json(line.substring("data: ".length()))
                        .path("choices")
                        .path(0))
                .toList();
        assertThat(choices.stream()
                        .map(choice -> choice.path("text").asString())
                        .collect(Collectors.joining()))
                .isEqualTo(plain.path("choices").path(0).path("text").asString())
                .startsWith(" there ");
        assertThat(choices.size()).isGreaterThan(10);
        assertThat(choices.stream()
                        .filter(choice -> choice.path("finish_reason").isString()))
                .singleElement()
                .isSameAs(choices.getLast());
    }

    private static String greedy(int maxTokens, boolean stream) {
        return """
                {"model": "spandrel-tiny", "prompt": "Once upon a time", "max_tokens": %d, "temperature": 0, "stream": %s}""".formatted(maxTokens, stream);
    }

    @ParameterizedTest
    @CsvSource({"0.0, 1.0, 9", "0.7, 0.9, 17"})
    void theSpanSaysWhatTheAnswerSays(double temperature, double topP, int maxTokens) {
        String body = """
                {"prompt": "The fox and the", "max_tokens": %d, "temperature": %s, "top_p": %s, "seed": 5}""".formatted(maxTokens, temperature, topP);
        String id = "span-" + maxTokens;
        JsonNode answer = Api.json(api.complete(body, "X-Request-Id", id, "traceparent", traceparent("01"))
                .body());
        ReceivedSpan span = llmRequest(id);
        LlmRequestSpan request = new LlmRequestSpan(span);
        request.isComplete("spandrel-server");
        request.asked(maxTokens, temperature, topP);
        request.counts(
                answer.path("usage").path("prompt_tokens").asLong(),
                answer.path("usage").path("completion_tokens").asLong());
        assertThat(request.text("gen_ai.response.id"))
                .isEqualTo(answer.path("id").asString());
        assertThat(span.attributes().get("gen_ai.response.finish_reasons"))
                .isEqualTo(List.of(
                        answer.path("choices").path(0).path("finish_reason").asString()));
        assertThat(span.traceId()).isEqualTo(TRACE);
        assertThat(httpSpanOf(span).parentId()).isEqualTo(PARENT);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nonsense",
                "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b-01",
                "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            })
    void aMalformedTraceparentStartsANewRoot(String traceparent) {
        String id = "malformed-" + Integer.toHexString(traceparent.hashCode());
        assertThat(api.complete(greedy(2, false), "X-Request-Id", id, "traceparent", traceparent)
                        .statusCode())
                .isEqualTo(200);
        ReceivedSpan span = llmRequest(id);
        assertThat(httpSpanOf(span).parentId()).isEmpty();
        assertThat(span.traceId()).isNotEqualTo(TRACE).isNotEqualTo("0".repeat(32));
    }

    @Test
    void anUnsampledParentGetsNoSpan() {
        String unsampled = "00-11111111111111111111111111111111-00f067aa0ba902b7-00";
        api.complete(greedy(2, false), "X-Request-Id", "unsampled", "traceparent", unsampled);
        api.complete(greedy(2, false), "X-Request-Id", "later");
        // The exporter keeps the order, so what is not here before the later one does not come.
        llmRequest("later");
        assertThat(backend.spans()).extracting(ReceivedSpan::traceId).doesNotContain("1".repeat(32));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aClientThatLeavesFreesItsSequences(boolean streamed) throws IOException {
        String id = "leaving-" + streamed;
        String body = """
                {"prompt": "Once upon a time", "max_tokens": 500, "n": 8, "ignore_eos": true, "stream": %s}""".formatted(streamed);
        try (Socket socket = api.beginCompletion(body, id)) {
            Await.until("8 running sequences", () -> api.running() == 8, server::toString);
            if (streamed) {
                assertThat(new String(socket.getInputStream().readNBytes(15), StandardCharsets.UTF_8))
                        .isEqualTo("HTTP/1.1 200 OK");
            }
        }
        Await.until("no running sequence", () -> api.running() == 0, server::toString);
        String first = "cmpl-" + id + "-0";
        List<ReceivedSpan> spans = backend.await(
                8, "aborted llm_request", span -> first.equals(span.attributes().get("gen_ai.request.id")), server);
        assertThat(spans).hasSize(8).allSatisfy(span -> {
            new LlmRequestSpan(span).wasAborted();
            assertThat(new LlmRequestSpan(span).number("gen_ai.usage.completion_tokens"))
                    .isLessThan(500);
        });
        assertThat(httpSpanOf(spans.getFirst()).attributes()).containsKey("error.type");
    }

    private static String traceparent(String flags) {
        return "00-" + TRACE + "-" + PARENT + "-" + flags;
    }

    private static ReceivedSpan llmRequest(String id) {
        String requestId = "cmpl-" + id + "-0";
        return backend.await(
                "llm_request of " + id,
                span -> requestId.equals(span.attributes().get("gen_ai.request.id")),
                server);
    }

    private static ReceivedSpan httpSpanOf(ReceivedSpan request) {
        return backend.await(
                "the HTTP span above " + request.spanId(),
                span -> span.spanId().equals(request.parentId()) && span.name().equals(CompletionTrace.HTTP),
                server);
    }
}

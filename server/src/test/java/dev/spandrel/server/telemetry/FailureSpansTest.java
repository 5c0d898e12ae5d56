package dev.spandrel.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.server.ScriptedGeneration;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Spans of requests that were refused, failed or were left, and of paths that nobody serves. */
class FailureSpansTest {
    private final TracedServer traced = new TracedServer();

    @AfterEach
    void stop() {
        traced.close();
    }

    @Test
    void failedGenerationIsAnError() {
        traced.start(true);
        traced.server()
                .engine()
                .script(request -> ScriptedGeneration.silent(request)
                        .send("x")
                        .fail(new EngineException.StepFailed("step 3 failed", null)));
        traced.server().post("/v1/completions", "{\"prompt\":\"a\"}");
        SpanData llm = traced.span("llm_request");
        assertThat(llm.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
        assertThat(llm.getStatus().getDescription()).isEqualTo("step 3 failed");
        assertThat(llm.getAttributes().get(SpanKeys.ERROR_TYPE)).contains("StepFailed");
        SpanData http = traced.span("POST /v1/completions");
        assertThat(http.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
        assertThat(http.getAttributes().get(HttpSpans.STATUS)).isEqualTo(500L);
        assertThat(http.getAttributes().get(SpanKeys.ERROR_TYPE)).isEqualTo("500");
    }

    @Test
    void cancelledGenerationHasASpanWithoutLatenciesItNeverReached() throws IOException {
        traced.start(true);
        traced.server().engine().script(ScriptedGeneration::silent);
        try (Socket socket = traced.server().connect()) {
            socket.getOutputStream()
                    .write("POST /v1/completions HTTP/1.1\r\nHost: h\r\nContent-Length: 14\r\n\r\n{\"prompt\":\"a\"}"
                            .getBytes(StandardCharsets.UTF_8));
            traced.server().engine().submitted().awaitReader();
        }
        SpanData llm = traced.span("llm_request");
        assertThat(llm.getAttributes().get(SpanKeys.FINISH_REASONS)).containsExactly("abort");
        assertThat(llm.getAttributes().get(SpanKeys.ERROR_TYPE)).isEqualTo("cancelled");
        assertThat(llm.getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
        assertThat(llm.getAttributes().get(SpanKeys.TIME_TO_FIRST_TOKEN)).isNull();
        assertThat(llm.getAttributes().get(SpanKeys.TIME_IN_QUEUE)).isEqualTo(0.002);
        SpanData http = traced.span("POST /v1/completions");
        assertThat(http.getAttributes().get(HttpSpans.STATUS)).isNull();
        assertThat(http.getAttributes().get(SpanKeys.ERROR_TYPE)).isEqualTo("connection_closed");
    }

    @Test
    void engineAbortIsNoClientCancel() {
        traced.start(false);
        traced.server()
                .engine()
                .script(request -> ScriptedGeneration.silent(request).finish("", FinishReason.ABORT));
        traced.server().completion("{\"prompt\":\"a\"}");
        assertThat(traced.span("llm_request").getAttributes().get(SpanKeys.FINISH_REASONS))
                .containsExactly("abort");
    }

    @ParameterizedTest
    @CsvSource({"'{\"prompt\":7}', 400, false", "'{\"prompt\":\"a\"}', 503, true"})
    void refusedRequestHasASpan(String body, int status, boolean error) {
        traced.start(true);
        traced.server().draining(error);
        traced.server().post("/v1/completions", body);
        SpanData http = traced.span("POST /v1/completions");
        assertThat(http.getAttributes().get(HttpSpans.STATUS)).isEqualTo((long) status);
        SpanData llm = traced.span("llm_request");
        assertThat(llm.getParentSpanId()).isEqualTo(http.getSpanId());
        assertThat(llm.getAttributes().get(SpanKeys.ERROR_TYPE)).isEqualTo(String.valueOf(status));
        assertThat(llm.getAttributes().get(SpanKeys.REQUEST_ID)).matches("cmpl-[0-9a-f]{32}-0");
        assertThat(llm.getAttributes().get(SpanKeys.FINISH_REASONS)).containsExactly("error");
        assertThat(llm.getAttributes().get(SpanKeys.OPERATION)).isEqualTo("text_completion");
        assertThat(llm.getStatus().getStatusCode()).isEqualTo(error ? StatusCode.ERROR : StatusCode.UNSET);
        assertThat(traced.exported.getFinishedSpanItems()).hasSize(2);
    }

    /** The model's vectors have three dimensions, which is known once there is one. */
    @ParameterizedTest
    @ValueSource(strings = {"{\"input\":7}", "{\"input\":\"a\",\"dimensions\":5}"})
    void aRefusedEmbeddingHasASpan(String body) {
        traced.start(false);
        traced.server().post("/v1/embeddings", body);
        Attributes attributes = traced.span("llm_request").getAttributes();
        assertThat(attributes.get(SpanKeys.OPERATION)).isEqualTo("embeddings");
        assertThat(attributes.get(SpanKeys.ERROR_TYPE)).isEqualTo("400");
    }

    @Test
    void unknownPathsAreNamedByMethodAndProbesNotAtAll() {
        traced.start(true);
        traced.server().get("/health");
        traced.server().get("/metrics");
        traced.server().get("/secret/123");
        SpanData http = traced.span("GET");
        assertThat(http.getAttributes().get(HttpSpans.ROUTE)).isNull();
        assertThat(traced.exported.getFinishedSpanItems()).hasSize(1);
    }
}

package dev.spandrel.server.telemetry;

import static dev.spandrel.server.telemetry.TracedServer.NO_SPAN;
import static dev.spandrel.server.telemetry.TracedServer.PARENT;
import static dev.spandrel.server.telemetry.TracedServer.SPAN_ID;
import static dev.spandrel.server.telemetry.TracedServer.TRACE_ID;
import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.ScriptedGeneration;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whose child a request's spans are, what a sampler and a client are told, and what travels with the context. */
class SpanContextTest {
    private final TracedServer traced = new TracedServer();

    @AfterEach
    void stop() {
        traced.close();
    }

    @Test
    void theConversationIsThereForSamplersToo() {
        traced.start(false);
        traced.server().post("/v1/completions", "{\"prompt\":\"a\"}", "X-Session-ID", "s");
        AttributeKey<String> key = AttributeKey.stringKey("gen_ai.conversation.id");
        assertThat(traced.span("llm_request").getAttributes().get(key)).isEqualTo("s");
        assertThat(traced.sampled.getFirst().get(key)).isEqualTo("s");
    }

    @Test
    void samplersSeeOperationProviderAndModel() {
        traced.start(false);
        traced.server().completion("{\"prompt\":\"a\"}");
        traced.span("llm_request");
        assertThat(traced.sampled.getFirst().get(SpanKeys.OPERATION)).isEqualTo("text_completion");
        assertThat(traced.sampled.getFirst().get(SpanKeys.PROVIDER)).isEqualTo("spandrel");
        assertThat(traced.sampled.getFirst().get(SpanKeys.REQUEST_MODEL)).isEqualTo("scripted");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nonsense",
                "00-" + TRACE_ID + "-" + SPAN_ID,
                "00-00000000000000000000000000000000-" + SPAN_ID + "-01",
                "00-" + TRACE_ID + "-" + NO_SPAN + "-01",
                "ff-" + TRACE_ID + "-" + SPAN_ID + "-01"
            })
    void malformedParentStartsANewRoot(String traceparent) {
        traced.start(true);
        traced.server().post("/v1/completions", "{\"prompt\":\"a\"}", "traceparent", traceparent);
        SpanData http = traced.span("POST /v1/completions");
        assertThat(http.getParentSpanId()).isEqualTo(NO_SPAN);
        assertThat(http.getTraceId()).isNotEqualTo(TRACE_ID);
        assertThat(traced.span("llm_request").getTraceId()).isEqualTo(http.getTraceId());
    }

    @Test
    void unsampledParentIsFollowed() {
        traced.start(true);
        traced.server()
                .post("/v1/completions", "{\"prompt\":\"a\"}", "traceparent", "00-" + TRACE_ID + "-" + SPAN_ID + "-00");
        traced.server().get("/v1/models");
        traced.span("GET /v1/models");
        assertThat(traced.exported.getFinishedSpanItems()).hasSize(1);
    }

    @Test
    void idsAreThoseDrawnAtArrival() {
        AtomicReference<Object> correlation = new AtomicReference<>();
        traced.start(true);
        traced.server().engine().script(request -> {
            correlation.set(request.correlation());
            return ScriptedGeneration.words(request);
        });
        traced.server().post("/v1/completions", "{\"prompt\":\"a\"}");
        SpanContext drawn = (SpanContext) correlation.get();
        SpanData llm = traced.span("llm_request");
        assertThat(llm.getSpanId()).isEqualTo(drawn.getSpanId());
        assertThat(llm.getTraceId()).isEqualTo(drawn.getTraceId());
    }

    @Test
    void theAnswerNamesItsTrace() {
        traced.start(true);
        String header = traced.server()
                .post("/v1/completions", "{\"prompt\":\"a\"}", "traceparent", PARENT)
                .headers()
                .firstValue("traceresponse")
                .orElseThrow();
        assertThat(header)
                .isEqualTo("00-" + TRACE_ID + "-"
                        + traced.span("POST /v1/completions").getSpanId() + "-01");
    }

    @Test
    void namedBaggageBecomesAttributesAndOtherDoesNot() {
        traced.start(true, new TraceSettings(AttributeStyle.BOTH, Set.of(), 0, 0, List.of("tenant"), 0));
        traced.server()
                .post(
                        "/v1/completions",
                        "{\"prompt\":\"a\"}",
                        "baggage",
                        "tenant=blue,secret=x",
                        "traceparent",
                        PARENT);
        Attributes attributes = traced.span("llm_request").getAttributes();
        assertThat(attributes.get(AttributeKey.stringKey("tenant"))).isEqualTo("blue");
        assertThat(attributes.get(AttributeKey.stringKey("secret"))).isNull();
    }

    @ParameterizedTest
    @CsvSource({"b3, " + TRACE_ID + "-" + SPAN_ID + "-1", "uber-trace-id, " + TRACE_ID + ":" + SPAN_ID + ":0:1"})
    void contextComesByAnyPropagatorInForce(String header, String value) {
        traced.start(true);
        traced.server().post("/v1/completions", "{\"prompt\":\"a\"}", header, value);
        assertThat(traced.span("POST /v1/completions").getParentSpanId()).isEqualTo(SPAN_ID);
        assertThat(traced.span("llm_request").getTraceId()).isEqualTo(TRACE_ID);
    }
}

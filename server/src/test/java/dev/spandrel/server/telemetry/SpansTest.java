package dev.spandrel.server.telemetry;

import static dev.spandrel.server.telemetry.TracedServer.NOW;
import static dev.spandrel.server.telemetry.TracedServer.PARENT;
import static dev.spandrel.server.telemetry.TracedServer.SPAN_ID;
import static dev.spandrel.server.telemetry.TracedServer.TRACE_ID;
import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.ScriptedGeneration;
import dev.spandrel.server.Waiting;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The two spans of a request that went well: names, kinds, attributes, times. */
class SpansTest {
    private final TracedServer traced = new TracedServer();

    @AfterEach
    void stop() {
        traced.close();
    }

    @Test
    void threeSpansDeep() {
        traced.start(true);
        traced.server()
                .post(
                        "/v1/completions?x=1",
                        "{\"prompt\":\"a b c\",\"max_tokens\":4,\"temperature\":0.5,\"request_id\":\"r\"}",
                        "traceparent",
                        PARENT,
                        "User-Agent",
                        "test/1");
        SpanData http = traced.span("POST /v1/completions");
        SpanData llm = traced.span("llm_request");
        assertThat(http.getTraceId()).isEqualTo(TRACE_ID);
        assertThat(http.getParentSpanId()).isEqualTo(SPAN_ID);
        assertThat(llm.getTraceId()).isEqualTo(TRACE_ID);
        assertThat(llm.getParentSpanId()).isEqualTo(http.getSpanId());
        assertThat(llm.getInstrumentationScopeInfo().getName()).isEqualTo("dev.spandrel.server");
    }

    @Test
    void httpSpanFollowsTheConventions() {
        traced.start(true);
        traced.server().post("/v1/completions?x=1", "{\"prompt\":\"a\"}", "User-Agent", "test/1");
        SpanData http = traced.span("POST /v1/completions");
        assertThat(http.getKind()).isEqualTo(SpanKind.SERVER);
        assertThat(http.getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
        assertThat(http.getAttributes().toBuilder().build())
                .isEqualTo(Attributes.builder()
                        .put("http.request.method", "POST")
                        .put("http.route", "/v1/completions")
                        .put("http.response.status_code", 200L)
                        .put("url.path", "/v1/completions")
                        .put("url.query", "x=1")
                        .put("url.scheme", "http")
                        .put("server.address", "localhost")
                        .put("server.port", (long) traced.server().port())
                        .put("client.address", "127.0.0.1")
                        .put("network.protocol.version", "1.1")
                        .put("user_agent.original", "test/1")
                        .build());
        assertThat(traced.sampled.getFirst().get(HttpSpans.ROUTE)).isEqualTo("/v1/completions");
    }

    @Test
    void llmRequestHasVllmsAttributesAndTodaysNames() {
        traced.start(false);
        traced.server()
                .post(
                        "/v1/completions",
                        "{\"prompt\":\"a b c\",\"model\":\"alias\",\"max_tokens\":4,\"temperature\":0.5,\"request_id\":\"r\"}",
                        "traceparent",
                        PARENT);
        SpanData llm = traced.span("llm_request");
        assertThat(llm.getKind()).isEqualTo(SpanKind.SERVER);
        assertThat(llm.getParentSpanId()).isEqualTo(SPAN_ID);
        assertThat(llm.getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
        // A machine that is busy enough blocks a write, too.
        assertThat(llm.getAttributes().toBuilder()
                        .remove(SpanKeys.CLIENT_BLOCKED)
                        .build())
                .isEqualTo(Attributes.builder()
                        .put("gen_ai.latency.time_to_first_token", 0.010)
                        .put("gen_ai.latency.e2e", 0.026)
                        .put("gen_ai.latency.time_in_queue", 0.002)
                        .put("gen_ai.latency.time_in_model_prefill", 0.007)
                        .put("gen_ai.latency.time_in_model_decode", 0.015)
                        .put("gen_ai.latency.time_in_model_inference", 0.022)
                        .put("gen_ai.usage.prompt_tokens", 3L)
                        .put("gen_ai.usage.completion_tokens", 4L)
                        .put("gen_ai.request.id", "cmpl-r-0")
                        .put("gen_ai.request.top_p", 1.0)
                        .put("gen_ai.request.max_tokens", 4L)
                        .put("gen_ai.request.temperature", 0.5)
                        .put("gen_ai.request.n", 1L)
                        .put("gen_ai.response.model", "scripted")
                        .put("gen_ai.operation.name", "text_completion")
                        .put("gen_ai.provider.name", "spandrel")
                        .put("gen_ai.request.model", "alias")
                        .put("gen_ai.usage.input_tokens", 3L)
                        .put("gen_ai.usage.output_tokens", 4L)
                        .put("gen_ai.response.id", "cmpl-r")
                        .put("gen_ai.output.type", "text")
                        .put("server.address", "localhost")
                        .put("server.port", traced.server().port())
                        .put(AttributeKey.stringArrayKey("gen_ai.response.finish_reasons"), List.of("length"))
                        .build());
    }

    @Test
    void timesAreTheEnginesOnTheWallClock() {
        traced.start(true);
        traced.server().post("/v1/completions", "{\"prompt\":\"a\",\"max_tokens\":4}");
        SpanData llm = traced.span("llm_request");
        long arrival = NOW.getEpochSecond() * 1_000_000_000 + NOW.getNano();
        assertThat(llm.getStartEpochNanos()).isEqualTo(arrival);
        assertThat(llm.getEndEpochNanos()).isEqualTo(arrival + 26 * ScriptedGeneration.MILLI);
        assertThat(traced.span("POST /v1/completions").getStartEpochNanos()).isEqualTo(arrival);
    }

    @Test
    void greedyHasNoTemperature() {
        traced.start(false);
        traced.server().completion("{\"prompt\":\"a\",\"temperature\":0}");
        assertThat(traced.span("llm_request").getAttributes().get(SpanKeys.TEMPERATURE))
                .isNull();
    }

    @Test
    void oneSpanPerChoice() {
        traced.start(true);
        traced.server().completion("{\"prompt\":[\"a\",\"b\"],\"n\":2,\"max_tokens\":1,\"request_id\":\"r\"}");
        Waiting.until(() -> traced.exported.getFinishedSpanItems().size() == 5, "five spans are there");
        assertThat(traced.exported.getFinishedSpanItems().stream()
                        .filter(span -> span.getName().equals("llm_request"))
                        .map(span -> span.getAttributes().get(SpanKeys.REQUEST_ID)))
                .containsExactly("cmpl-r-0", "cmpl-r-0", "cmpl-r-1", "cmpl-r-1");
    }

    /** The body of vLLM's example client: three beams are one request, and one span. */
    @Test
    void beamSearchIsOneSpan() {
        traced.start(false);
        traced.server()
                .completion("{\"prompt\":\"San Francisco is a\",\"max_tokens\":10,\"n\":3,"
                        + "\"use_beam_search\":\"true\",\"temperature\":0.0}");
        SpanData llm = traced.span("llm_request");
        assertThat(llm.getAttributes().get(SpanKeys.N)).isEqualTo(3);
        assertThat(llm.getAttributes().get(SpanKeys.NUM_SEQUENCES)).isEqualTo(3);
        assertThat(llm.getAttributes().get(SpanKeys.CHOICE_COUNT)).isEqualTo(3);
        assertThat(llm.getAttributes().get(SpanKeys.COMPLETION_TOKENS)).isEqualTo(30);
        assertThat(llm.getAttributes().get(SpanKeys.FINISH_REASONS)).containsExactly("length", "length", "length");
        assertThat(llm.getAttributes().get(SpanKeys.TEMPERATURE)).isNull();
        assertThat(traced.exported.getFinishedSpanItems()).hasSize(1);
    }

    @Test
    void everyEmbeddingHasASpan() {
        traced.start(false);
        traced.server()
                .post(
                        "/v1/embeddings",
                        "{\"input\":[\"a b\",\"c\"],\"encoding_format\":\"base64\",\"request_id\":\"r\"}",
                        "traceparent",
                        PARENT);
        Waiting.until(() -> traced.exported.getFinishedSpanItems().size() == 2, "two spans");
        for (int i = 0; i < 2; i++) {
            SpanData span = traced.exported.getFinishedSpanItems().get(i);
            assertThat(span.getName()).isEqualTo("llm_request");
            assertThat(span.getTraceId()).isEqualTo(TRACE_ID);
            assertThat(span.getParentSpanId()).isEqualTo(SPAN_ID);
            Attributes attributes = span.getAttributes();
            assertThat(attributes.get(SpanKeys.OPERATION)).isEqualTo("embeddings");
            assertThat(attributes.get(SpanKeys.REQUEST_MODEL)).isEqualTo("scripted");
            assertThat(attributes.get(SpanKeys.REQUEST_ID)).isEqualTo("embd-r-" + i);
            assertThat(attributes.get(SpanKeys.RESPONSE_ID)).isEqualTo("embd-r");
            assertThat(attributes.get(SpanKeys.PROMPT_TOKENS)).isEqualTo(2 - i);
            assertThat(attributes.get(SpanKeys.INPUT_TOKENS)).isEqualTo(2 - i);
            assertThat(attributes.get(SpanKeys.EMBEDDING_DIMENSIONS)).isEqualTo(3);
            assertThat(attributes.get(SpanKeys.ENCODING_FORMATS)).containsExactly("base64");
            assertThat(attributes.get(SpanKeys.TIME_IN_QUEUE)).isEqualTo(1e-9);
            assertThat(attributes.get(SpanKeys.E2E)).isEqualTo(3e-9);
            assertThat(attributes.get(SpanKeys.TIME_TO_FIRST_TOKEN)).isNull();
            assertThat(attributes.get(SpanKeys.TEMPERATURE)).isNull();
            assertThat(attributes.get(SpanKeys.ERROR_TYPE)).isNull();
        }
    }

    @ParameterizedTest
    @EnumSource(AttributeStyle.class)
    void attributesByStyle(AttributeStyle style) {
        traced.start(false, new TraceSettings(style, Set.of(DetailedTraces.ALL), 0, 0, List.of(), 0));
        traced.server().post("/v1/completions", "{\"prompt\":\"a\",\"max_tokens\":2}");
        Attributes attributes = traced.span("llm_request").getAttributes();
        assertThat(attributes.get(SpanKeys.PROMPT_TOKENS) != null).isEqualTo(style != AttributeStyle.GEN_AI);
        assertThat(attributes.get(SpanKeys.E2E) != null).isEqualTo(style != AttributeStyle.GEN_AI);
        assertThat(attributes.get(SpanKeys.INPUT_TOKENS) != null).isEqualTo(style != AttributeStyle.VLLM);
        assertThat(attributes.get(SpanKeys.PROVIDER) != null).isEqualTo(style != AttributeStyle.VLLM);
        assertThat(attributes.get(SpanKeys.MAX_TOKENS)).isEqualTo(2);
        assertThat(attributes.get(SpanKeys.TIME_IN_FORWARD)).isEqualTo(0.004);
        assertThat(attributes.get(SpanKeys.TIME_IN_EXECUTE)).isEqualTo(0.005);
        assertThat(attributes.get(SpanKeys.TIME_IN_SCHEDULER)).isEqualTo(0.001);
    }

    @Test
    void contentIsThereOnlyWhereAskedForAndCut() {
        traced.start(false, new TraceSettings(AttributeStyle.BOTH, Set.of(), 0, 0, List.of(), 6));
        traced.server().post("/v1/completions", "{\"prompt\":\"a b c d e\",\"max_tokens\":2}");
        SpanData llm = traced.span("llm_request");
        assertThat(llm.getAttributes().get(SpanKeys.INPUT_MESSAGES))
                .isEqualTo("[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"a b c …\"}]}]");
        assertThat(llm.getAttributes().get(SpanKeys.OUTPUT_MESSAGES))
                .isEqualTo("[{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\" w0 w1\"}],"
                        + "\"finish_reason\":\"length\"}]");
    }

    @Test
    void phasesLieEndToEndAndAddUp() {
        traced.start(false, new TraceSettings(AttributeStyle.BOTH, Set.of(DetailedTraces.REQUEST), 2, 0, List.of(), 0));
        traced.server().post("/v1/completions", "{\"prompt\":\"a b\",\"max_tokens\":5}");
        SpanData llm = traced.span("llm_request");
        List<SpanData> phases = traced.exported.getFinishedSpanItems().stream()
                .filter(span -> span.getParentSpanId().equals(llm.getSpanId()))
                .toList();
        assertThat(phases)
                .extracting(SpanData::getName)
                .containsExactly("tokenize", "queue", "prefill", "decode", "finish");
        long at = llm.getStartEpochNanos();
        for (SpanData phase : phases) {
            assertThat(phase.getStartEpochNanos()).as(phase.getName()).isEqualTo(at);
            at = phase.getEndEpochNanos();
        }
        assertThat(at).isEqualTo(llm.getEndEpochNanos());
        SpanData chunk = traced.span("prefill_chunk");
        assertThat(chunk.getParentSpanId()).isEqualTo(phases.get(2).getSpanId());
        assertThat(chunk.getAttributes().get(SpanKeys.TOKENS)).isEqualTo(2);
        assertThat(chunk.getAttributes().get(SpanKeys.STEP)).isEqualTo(7);
        assertThat(phases.get(3).getEvents()).hasSize(2).allSatisfy(event -> {
            assertThat(event.getName()).isEqualTo("tokens");
            assertThat(event.getAttributes().get(SpanKeys.INTER_TOKEN)).isEqualTo(0.005);
        });
    }
}

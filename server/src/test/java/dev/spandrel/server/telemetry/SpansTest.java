package dev.spandrel.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.ScriptedGeneration;
import dev.spandrel.server.TestServer;
import dev.spandrel.server.Waiting;
import io.helidon.webserver.http.Filter;
import io.opentelemetry.api.baggage.propagation.W3CBaggagePropagator;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.context.propagation.TextMapPropagator;
import io.opentelemetry.extension.trace.propagation.B3Propagator;
import io.opentelemetry.extension.trace.propagation.JaegerPropagator;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.LinkData;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import io.opentelemetry.sdk.trace.samplers.SamplingResult;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The two spans of a request: names, kinds, parents, attributes, times. */
class SpansTest {
    private static final String TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
    private static final String SPAN_ID = "b7ad6b7169203331";
    private static final String PARENT = "00-" + TRACE_ID + "-" + SPAN_ID + "-01";
    private static final String NO_SPAN = "0000000000000000";
    private static final Instant NOW = Instant.parse("2026-11-23T12:00:00.000000500Z");

    /** Where {@link TestServer} holds its monotonic clock. */
    private static final long NANOS = 1_000_000_000;

    private final InMemorySpanExporter exported = InMemorySpanExporter.create();
    private final List<Attributes> sampled = new CopyOnWriteArrayList<>();
    private final SpanIds ids = new SpanIds();
    // Jaeger's propagator is deprecated, and still sent by what is installed.
    @SuppressWarnings("deprecation")
    private final Telemetry telemetry = Telemetry.of(
            OpenTelemetrySdk.builder()
                    .setPropagators(ContextPropagators.create(TextMapPropagator.composite(
                            W3CTraceContextPropagator.getInstance(),
                            W3CBaggagePropagator.getInstance(),
                            B3Propagator.injectingSingleHeader(),
                            JaegerPropagator.getInstance())))
                    .setTracerProvider(SdkTracerProvider.builder()
                            .setIdGenerator(ids)
                            .setSampler(Sampler.parentBased(new Recording(sampled)))
                            .addSpanProcessor(SimpleSpanProcessor.create(exported))
                            .build())
                    .build(),
            ids);

    private TestServer server;

    /** Notes what a sampler sees. */
    private record Recording(List<Attributes> seen) implements Sampler {
        @Override
        public SamplingResult shouldSample(
                Context parent,
                String traceId,
                String name,
                SpanKind kind,
                Attributes attributes,
                List<LinkData> links) {
            seen.add(attributes);
            return SamplingResult.recordAndSample();
        }

        @Override
        public String getDescription() {
            return "recording";
        }
    }

    private void start(boolean httpSpans) {
        start(httpSpans, TraceSettings.DEFAULT);
    }

    private void start(boolean httpSpans, TraceSettings settings) {
        AtomicLong nanos = new AtomicLong(NANOS);
        List<Filter> filters = httpSpans
                ? List.of(new HttpSpans(telemetry, Set.of("/v1/completions", "/v1/models"), () -> NOW, nanos::get))
                : List.of();
        server = TestServer.start(
                new ScriptedEngine(),
                new EngineMetrics(),
                new GenerationSpans(telemetry, settings, () -> NOW, nanos::get),
                filters);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void theConversationIsThereForSamplersToo() {
        start(false);
        server.post("/v1/completions", "{\"prompt\":\"a\"}", "X-Session-ID", "s");
        AttributeKey<String> key = AttributeKey.stringKey("gen_ai.conversation.id");
        assertThat(span("llm_request").getAttributes().get(key)).isEqualTo("s");
        assertThat(sampled.getFirst().get(key)).isEqualTo("s");
    }

    @Test
    void threeSpansDeep() {
        start(true);
        server.post(
                "/v1/completions?x=1",
                "{\"prompt\":\"a b c\",\"max_tokens\":4,\"temperature\":0.5,\"request_id\":\"r\"}",
                "traceparent",
                PARENT,
                "User-Agent",
                "test/1");
        SpanData http = span("POST /v1/completions");
        SpanData llm = span("llm_request");
        assertThat(http.getTraceId()).isEqualTo(TRACE_ID);
        assertThat(http.getParentSpanId()).isEqualTo(SPAN_ID);
        assertThat(llm.getTraceId()).isEqualTo(TRACE_ID);
        assertThat(llm.getParentSpanId()).isEqualTo(http.getSpanId());
        assertThat(llm.getInstrumentationScopeInfo().getName()).isEqualTo("dev.spandrel.server");
    }

    @Test
    void httpSpanFollowsTheConventions() {
        start(true);
        server.post("/v1/completions?x=1", "{\"prompt\":\"a\"}", "User-Agent", "test/1");
        SpanData http = span("POST /v1/completions");
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
                        .put("server.port", (long) server.port())
                        .put("client.address", "127.0.0.1")
                        .put("network.protocol.version", "1.1")
                        .put("user_agent.original", "test/1")
                        .build());
        assertThat(sampled.getFirst().get(HttpSpans.ROUTE)).isEqualTo("/v1/completions");
    }

    @Test
    void llmRequestHasVllmsAttributesAndTodaysNames() {
        start(false);
        server.post(
                "/v1/completions",
                "{\"prompt\":\"a b c\",\"model\":\"alias\",\"max_tokens\":4,\"temperature\":0.5,\"request_id\":\"r\"}",
                "traceparent",
                PARENT);
        SpanData llm = span("llm_request");
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
                        .put("server.port", server.port())
                        .put(AttributeKey.stringArrayKey("gen_ai.response.finish_reasons"), List.of("length"))
                        .build());
    }

    @Test
    void timesAreTheEnginesOnTheWallClock() {
        start(true);
        server.post("/v1/completions", "{\"prompt\":\"a\",\"max_tokens\":4}");
        SpanData llm = span("llm_request");
        long arrival = NOW.getEpochSecond() * 1_000_000_000 + NOW.getNano();
        assertThat(llm.getStartEpochNanos()).isEqualTo(arrival);
        assertThat(llm.getEndEpochNanos()).isEqualTo(arrival + 26 * ScriptedGeneration.MILLI);
        assertThat(span("POST /v1/completions").getStartEpochNanos()).isEqualTo(arrival);
    }

    @Test
    void greedyHasNoTemperature() {
        start(false);
        server.completion("{\"prompt\":\"a\",\"temperature\":0}");
        assertThat(span("llm_request").getAttributes().get(SpanKeys.TEMPERATURE))
                .isNull();
    }

    @Test
    void samplersSeeOperationProviderAndModel() {
        start(false);
        server.completion("{\"prompt\":\"a\"}");
        span("llm_request");
        assertThat(sampled.getFirst().get(SpanKeys.OPERATION)).isEqualTo("text_completion");
        assertThat(sampled.getFirst().get(SpanKeys.PROVIDER)).isEqualTo("spandrel");
        assertThat(sampled.getFirst().get(SpanKeys.REQUEST_MODEL)).isEqualTo("scripted");
    }

    @Test
    void oneSpanPerChoice() {
        start(true);
        server.completion("{\"prompt\":[\"a\",\"b\"],\"n\":2,\"max_tokens\":1,\"request_id\":\"r\"}");
        Waiting.until(() -> exported.getFinishedSpanItems().size() == 5, "five spans are there");
        assertThat(exported.getFinishedSpanItems().stream()
                        .filter(span -> span.getName().equals("llm_request"))
                        .map(span -> span.getAttributes().get(SpanKeys.REQUEST_ID)))
                .containsExactly("cmpl-r-0", "cmpl-r-0", "cmpl-r-1", "cmpl-r-1");
    }

    /** The body of vLLM's example client: three beams are one request, and one span. */
    @Test
    void beamSearchIsOneSpan() {
        start(false);
        server.completion("{\"prompt\":\"San Francisco is a\",\"max_tokens\":10,\"n\":3,"
                + "\"use_beam_search\":\"true\",\"temperature\":0.0}");
        SpanData llm = span("llm_request");
        assertThat(llm.getAttributes().get(SpanKeys.N)).isEqualTo(3);
        assertThat(llm.getAttributes().get(SpanKeys.NUM_SEQUENCES)).isEqualTo(3);
        assertThat(llm.getAttributes().get(SpanKeys.CHOICE_COUNT)).isEqualTo(3);
        assertThat(llm.getAttributes().get(SpanKeys.COMPLETION_TOKENS)).isEqualTo(30);
        assertThat(llm.getAttributes().get(SpanKeys.FINISH_REASONS)).containsExactly("length", "length", "length");
        assertThat(llm.getAttributes().get(SpanKeys.TEMPERATURE)).isNull();
        assertThat(exported.getFinishedSpanItems()).hasSize(1);
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
        start(true);
        server.post("/v1/completions", "{\"prompt\":\"a\"}", "traceparent", traceparent);
        SpanData http = span("POST /v1/completions");
        assertThat(http.getParentSpanId()).isEqualTo(NO_SPAN);
        assertThat(http.getTraceId()).isNotEqualTo(TRACE_ID);
        assertThat(span("llm_request").getTraceId()).isEqualTo(http.getTraceId());
    }

    @Test
    void unsampledParentIsFollowed() {
        start(true);
        server.post("/v1/completions", "{\"prompt\":\"a\"}", "traceparent", "00-" + TRACE_ID + "-" + SPAN_ID + "-00");
        server.get("/v1/models");
        span("GET /v1/models");
        assertThat(exported.getFinishedSpanItems()).hasSize(1);
    }

    @Test
    void failedGenerationIsAnError() {
        start(true);
        server.engine()
                .script(request -> ScriptedGeneration.silent(request)
                        .send("x")
                        .fail(new EngineException.StepFailed("step 3 failed", null)));
        server.post("/v1/completions", "{\"prompt\":\"a\"}");
        SpanData llm = span("llm_request");
        assertThat(llm.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
        assertThat(llm.getStatus().getDescription()).isEqualTo("step 3 failed");
        assertThat(llm.getAttributes().get(SpanKeys.ERROR_TYPE)).contains("StepFailed");
        SpanData http = span("POST /v1/completions");
        assertThat(http.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
        assertThat(http.getAttributes().get(HttpSpans.STATUS)).isEqualTo(500L);
        assertThat(http.getAttributes().get(SpanKeys.ERROR_TYPE)).isEqualTo("500");
    }

    @Test
    void cancelledGenerationHasASpanWithoutLatenciesItNeverReached() throws IOException {
        start(true);
        server.engine().script(ScriptedGeneration::silent);
        try (Socket socket = server.connect()) {
            socket.getOutputStream()
                    .write("POST /v1/completions HTTP/1.1\r\nHost: h\r\nContent-Length: 14\r\n\r\n{\"prompt\":\"a\"}"
                            .getBytes(StandardCharsets.UTF_8));
            server.engine().submitted().awaitReader();
        }
        SpanData llm = span("llm_request");
        assertThat(llm.getAttributes().get(SpanKeys.FINISH_REASONS)).containsExactly("abort");
        assertThat(llm.getAttributes().get(SpanKeys.ERROR_TYPE)).isEqualTo("cancelled");
        assertThat(llm.getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
        assertThat(llm.getAttributes().get(SpanKeys.TIME_TO_FIRST_TOKEN)).isNull();
        assertThat(llm.getAttributes().get(SpanKeys.TIME_IN_QUEUE)).isEqualTo(0.002);
        SpanData http = span("POST /v1/completions");
        assertThat(http.getAttributes().get(HttpSpans.STATUS)).isNull();
        assertThat(http.getAttributes().get(SpanKeys.ERROR_TYPE)).isEqualTo("connection_closed");
    }

    @Test
    void engineAbortIsNoClientCancel() {
        start(false);
        server.engine().script(request -> ScriptedGeneration.silent(request).finish("", FinishReason.ABORT));
        server.completion("{\"prompt\":\"a\"}");
        assertThat(span("llm_request").getAttributes().get(SpanKeys.FINISH_REASONS))
                .containsExactly("abort");
    }

    @ParameterizedTest
    @CsvSource({"'{\"prompt\":7}', 400, false", "'{\"prompt\":\"a\"}', 503, true"})
    void refusedRequestHasASpan(String body, int status, boolean error) {
        start(true);
        server.draining(error);
        server.post("/v1/completions", body);
        SpanData http = span("POST /v1/completions");
        assertThat(http.getAttributes().get(HttpSpans.STATUS)).isEqualTo((long) status);
        SpanData llm = span("llm_request");
        assertThat(llm.getParentSpanId()).isEqualTo(http.getSpanId());
        assertThat(llm.getAttributes().get(SpanKeys.ERROR_TYPE)).isEqualTo(String.valueOf(status));
        assertThat(llm.getAttributes().get(SpanKeys.REQUEST_ID)).matches("cmpl-[0-9a-f]{32}-0");
        assertThat(llm.getAttributes().get(SpanKeys.FINISH_REASONS)).containsExactly("error");
        assertThat(llm.getAttributes().get(SpanKeys.OPERATION)).isEqualTo("text_completion");
        assertThat(llm.getStatus().getStatusCode()).isEqualTo(error ? StatusCode.ERROR : StatusCode.UNSET);
        assertThat(exported.getFinishedSpanItems()).hasSize(2);
    }

    @Test
    void everyEmbeddingHasASpan() {
        start(false);
        server.post(
                "/v1/embeddings",
                "{\"input\":[\"a b\",\"c\"],\"encoding_format\":\"base64\",\"request_id\":\"r\"}",
                "traceparent",
                PARENT);
        Waiting.until(() -> exported.getFinishedSpanItems().size() == 2, "two spans");
        for (int i = 0; i < 2; i++) {
            SpanData span = exported.getFinishedSpanItems().get(i);
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

    /** The model's vectors have three dimensions, which is known once there is one. */
    @ParameterizedTest
    @ValueSource(strings = {"{\"input\":7}", "{\"input\":\"a\",\"dimensions\":5}"})
    void aRefusedEmbeddingHasASpan(String body) {
        start(false);
        server.post("/v1/embeddings", body);
        Attributes attributes = span("llm_request").getAttributes();
        assertThat(attributes.get(SpanKeys.OPERATION)).isEqualTo("embeddings");
        assertThat(attributes.get(SpanKeys.ERROR_TYPE)).isEqualTo("400");
    }

    @ParameterizedTest
    @EnumSource(AttributeStyle.class)
    void attributesByStyle(AttributeStyle style) {
        start(false, new TraceSettings(style, Set.of(DetailedTraces.ALL), 0, 0, List.of(), 0));
        server.post("/v1/completions", "{\"prompt\":\"a\",\"max_tokens\":2}");
        Attributes attributes = span("llm_request").getAttributes();
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
        start(false, new TraceSettings(AttributeStyle.BOTH, Set.of(), 0, 0, List.of(), 6));
        server.post("/v1/completions", "{\"prompt\":\"a b c d e\",\"max_tokens\":2}");
        SpanData llm = span("llm_request");
        assertThat(llm.getAttributes().get(SpanKeys.INPUT_MESSAGES))
                .isEqualTo("[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"a b c …\"}]}]");
        assertThat(llm.getAttributes().get(SpanKeys.OUTPUT_MESSAGES))
                .isEqualTo("[{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\" w0 w1\"}],"
                        + "\"finish_reason\":\"length\"}]");
    }

    @Test
    void idsAreThoseDrawnAtArrival() {
        AtomicReference<Object> correlation = new AtomicReference<>();
        start(true);
        server.engine().script(request -> {
            correlation.set(request.correlation());
            return ScriptedGeneration.words(request);
        });
        server.post("/v1/completions", "{\"prompt\":\"a\"}");
        SpanContext drawn = (SpanContext) correlation.get();
        SpanData llm = span("llm_request");
        assertThat(llm.getSpanId()).isEqualTo(drawn.getSpanId());
        assertThat(llm.getTraceId()).isEqualTo(drawn.getTraceId());
    }

    @Test
    void phasesLieEndToEndAndAddUp() {
        start(false, new TraceSettings(AttributeStyle.BOTH, Set.of(DetailedTraces.REQUEST), 2, 0, List.of(), 0));
        server.post("/v1/completions", "{\"prompt\":\"a b\",\"max_tokens\":5}");
        SpanData llm = span("llm_request");
        List<SpanData> phases = exported.getFinishedSpanItems().stream()
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
        SpanData chunk = span("prefill_chunk");
        assertThat(chunk.getParentSpanId()).isEqualTo(phases.get(2).getSpanId());
        assertThat(chunk.getAttributes().get(SpanKeys.TOKENS)).isEqualTo(2);
        assertThat(chunk.getAttributes().get(SpanKeys.STEP)).isEqualTo(7);
        assertThat(phases.get(3).getEvents()).hasSize(2).allSatisfy(event -> {
            assertThat(event.getName()).isEqualTo("tokens");
            assertThat(event.getAttributes().get(SpanKeys.INTER_TOKEN)).isEqualTo(0.005);
        });
    }

    @Test
    void theAnswerNamesItsTrace() {
        start(true);
        String header = server.post("/v1/completions", "{\"prompt\":\"a\"}", "traceparent", PARENT)
                .headers()
                .firstValue("traceresponse")
                .orElseThrow();
        assertThat(header)
                .isEqualTo("00-" + TRACE_ID + "-" + span("POST /v1/completions").getSpanId() + "-01");
    }

    @Test
    void namedBaggageBecomesAttributesAndOtherDoesNot() {
        start(true, new TraceSettings(AttributeStyle.BOTH, Set.of(), 0, 0, List.of("tenant"), 0));
        server.post("/v1/completions", "{\"prompt\":\"a\"}", "baggage", "tenant=blue,secret=x", "traceparent", PARENT);
        Attributes attributes = span("llm_request").getAttributes();
        assertThat(attributes.get(AttributeKey.stringKey("tenant"))).isEqualTo("blue");
        assertThat(attributes.get(AttributeKey.stringKey("secret"))).isNull();
    }

    @ParameterizedTest
    @CsvSource({"b3, " + TRACE_ID + "-" + SPAN_ID + "-1", "uber-trace-id, " + TRACE_ID + ":" + SPAN_ID + ":0:1"})
    void contextComesByAnyPropagatorInForce(String header, String value) {
        start(true);
        server.post("/v1/completions", "{\"prompt\":\"a\"}", header, value);
        assertThat(span("POST /v1/completions").getParentSpanId()).isEqualTo(SPAN_ID);
        assertThat(span("llm_request").getTraceId()).isEqualTo(TRACE_ID);
    }

    @Test
    void unknownPathsAreNamedByMethodAndProbesNotAtAll() {
        start(true);
        server.get("/health");
        server.get("/metrics");
        server.get("/secret/123");
        SpanData http = span("GET");
        assertThat(http.getAttributes().get(HttpSpans.ROUTE)).isNull();
        assertThat(exported.getFinishedSpanItems()).hasSize(1);
    }

    /** The span of that name; it may end a moment after the client has its answer. */
    private SpanData span(String name) {
        Waiting.until(
                () -> exported.getFinishedSpanItems().stream()
                        .anyMatch(span -> span.getName().equals(name)),
                "a span named " + name + " is there");
        return exported.getFinishedSpanItems().stream()
                .filter(span -> span.getName().equals(name))
                .findFirst()
                .orElseThrow();
    }
}

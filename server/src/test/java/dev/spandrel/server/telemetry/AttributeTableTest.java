package dev.spandrel.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.RequestTimings;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.ScriptedGeneration;
import dev.spandrel.server.TestServer;
import dev.spandrel.server.Waiting;
import dev.spandrel.server.openai.AnswerTimes;
import dev.spandrel.server.openai.EndedGeneration;
import dev.spandrel.server.openai.GenerationListener;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.AttributeType;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.EventData;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** One row per attribute of {@code llm_request}: key, type, unit and formula over the stamps the server got. */
class AttributeTableTest {
    /** Everything that can be asked for in one request. */
    private static final String STREAMED =
            "{\"prompt\":\"a b c\",\"max_tokens\":4,\"temperature\":0.5,\"top_p\":0.9,\"top_k\":5,\"seed\":7,"
                    + "\"stop\":[\"x\"],\"stream\":true,\"request_id\":\"r\",\"session_id\":\"of-tests\",\"model\":\"alias\","
                    + "\"frequency_penalty\":0.25,\"presence_penalty\":-0.5,\"repetition_penalty\":1.1,"
                    + "\"min_p\":0.05,\"min_tokens\":2}";

    /** More than the buffers of two sockets take. */
    private static final String LARGE = "x".repeat(8 << 20);

    private static final String BEAMS = "{\"prompt\":\"a b\",\"n\":3,\"use_beam_search\":true,\"max_tokens\":2}";

    private static final String JSON = "{\"prompt\":\"a b\",\"response_format\":{\"type\":\"json_object\"}}";

    private final InMemorySpanExporter exported = InMemorySpanExporter.create();
    private final List<EndedGeneration> ended = new CopyOnWriteArrayList<>();
    private TestServer server;

    /**
     * A row.
     *
     * @param unit of the value; empty for none
     * @param body the request that is sent
     * @param formula the value, from what the server was told
     */
    record Row(String key, AttributeType type, String unit, String body, Function<EndedGeneration, Object> formula) {
        @Override
        public String toString() {
            return key + " " + type + " " + unit;
        }
    }

    private static Row seconds(String key, Function<RequestTimings, Long> from, Function<RequestTimings, Long> to) {
        return new Row(
                key,
                AttributeType.DOUBLE,
                "s",
                STREAMED,
                generation -> (to.apply(generation.timings()) - from.apply(generation.timings())) / 1e9);
    }

    private static Row row(String key, AttributeType type, String unit, Function<EndedGeneration, Object> formula) {
        return new Row(key, type, unit, STREAMED, formula);
    }

    static List<Row> rows() {
        return List.of(
                seconds(
                        "gen_ai.latency.time_to_first_token",
                        RequestTimings::arrivalNanos,
                        RequestTimings::firstTokenNanos),
                seconds("gen_ai.latency.e2e", RequestTimings::arrivalNanos, RequestTimings::finishedNanos),
                seconds(
                        "gen_ai.latency.time_in_queue",
                        RequestTimings::queuedNanos,
                        RequestTimings::firstScheduledNanos),
                seconds(
                        "gen_ai.latency.time_in_model_prefill",
                        RequestTimings::firstScheduledNanos,
                        RequestTimings::firstTokenNanos),
                seconds(
                        "gen_ai.latency.time_in_model_decode",
                        RequestTimings::firstTokenNanos,
                        RequestTimings::lastTokenNanos),
                seconds(
                        "gen_ai.latency.time_in_model_inference",
                        RequestTimings::firstScheduledNanos,
                        RequestTimings::lastTokenNanos),
                row(
                        "gen_ai.latency.time_in_model_forward",
                        AttributeType.DOUBLE,
                        "s",
                        generation -> generation.phases().forwardNanos() / 1e9),
                row(
                        "gen_ai.latency.time_in_model_execute",
                        AttributeType.DOUBLE,
                        "s",
                        generation -> generation.phases().executeNanos() / 1e9),
                row(
                        "gen_ai.latency.time_in_scheduler",
                        AttributeType.DOUBLE,
                        "s",
                        generation -> generation.phases().schedulerNanos() / 1e9),
                row("gen_ai.usage.prompt_tokens", AttributeType.LONG, "token", _ -> 3L),
                row("gen_ai.usage.completion_tokens", AttributeType.LONG, "token", _ -> 4L),
                new Row("gen_ai.usage.num_sequences", AttributeType.LONG, "", BEAMS, _ -> 3L),
                row("gen_ai.request.id", AttributeType.STRING, "", _ -> "cmpl-r-0"),
                row("gen_ai.request.n", AttributeType.LONG, "", _ -> 1L),
                row("gen_ai.request.top_p", AttributeType.DOUBLE, "", _ -> 0.9),
                row("gen_ai.request.temperature", AttributeType.DOUBLE, "", _ -> 0.5),
                row("gen_ai.request.max_tokens", AttributeType.LONG, "token", _ -> 4L),
                row("gen_ai.response.model", AttributeType.STRING, "", _ -> "scripted"),
                row("gen_ai.operation.name", AttributeType.STRING, "", _ -> "text_completion"),
                row("gen_ai.provider.name", AttributeType.STRING, "", _ -> "spandrel"),
                row("gen_ai.request.model", AttributeType.STRING, "", _ -> "alias"),
                new Row("gen_ai.request.choice.count", AttributeType.LONG, "", BEAMS, _ -> 3L),
                row("gen_ai.conversation.id", AttributeType.STRING, "", _ -> "of-tests"),
                row("gen_ai.request.seed", AttributeType.LONG, "", _ -> 7L),
                row("gen_ai.request.top_k", AttributeType.LONG, "", _ -> 5L),
                row("gen_ai.request.frequency_penalty", AttributeType.DOUBLE, "", _ -> 0.25),
                row("gen_ai.request.presence_penalty", AttributeType.DOUBLE, "", _ -> -0.5),
                row("spandrel.request.repetition_penalty", AttributeType.DOUBLE, "", _ -> 1.1),
                row("spandrel.request.min_p", AttributeType.DOUBLE, "", _ -> 0.05),
                row("spandrel.request.min_tokens", AttributeType.LONG, "token", _ -> 2L),
                row("gen_ai.request.stream", AttributeType.BOOLEAN, "", _ -> true),
                row("gen_ai.request.stop_sequences", AttributeType.STRING_ARRAY, "", _ -> List.of("x")),
                row("gen_ai.output.type", AttributeType.STRING, "", _ -> "text"),
                new Row("gen_ai.output.type", AttributeType.STRING, "", JSON, _ -> "json"),
                row("gen_ai.usage.input_tokens", AttributeType.LONG, "token", _ -> 3L),
                row("gen_ai.usage.output_tokens", AttributeType.LONG, "token", _ -> 4L),
                row("gen_ai.response.id", AttributeType.STRING, "", _ -> "cmpl-r"),
                row("gen_ai.response.finish_reasons", AttributeType.STRING_ARRAY, "", _ -> List.of("length")),
                row(
                        "gen_ai.response.time_to_first_chunk",
                        AttributeType.DOUBLE,
                        "s",
                        generation -> (generation.answer().firstByteNanos()
                                        - generation.timings().arrivalNanos())
                                / 1e9),
                row("server.address", AttributeType.STRING, "", _ -> "localhost"));
    }

    @BeforeEach
    void start() {
        SpanIds ids = new SpanIds();
        Telemetry telemetry = Telemetry.of(
                OpenTelemetrySdk.builder()
                        .setTracerProvider(SdkTracerProvider.builder()
                                .addSpanProcessor(SimpleSpanProcessor.create(exported))
                                .build())
                        .build(),
                ids);
        TraceSettings settings = new TraceSettings(AttributeStyle.BOTH, Set.of(DetailedTraces.ALL), 0, 0, List.of(), 0);
        GenerationListener spans = new GenerationSpans(telemetry, settings, InstantSource.system(), () -> 0);
        server = TestServer.start(
                new ScriptedEngine(),
                new EngineMetrics(),
                GenerationListener.of(List.of((_, generations) -> ended.addAll(generations), spans)),
                List.of());
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private Attributes send(String body) {
        server.post("/v1/completions", body);
        Waiting.until(() -> !exported.getFinishedSpanItems().isEmpty(), "the span is there");
        return exported.getFinishedSpanItems().getFirst().getAttributes();
    }

    @ParameterizedTest
    @MethodSource("rows")
    void theValueIsItsFormula(Row row) {
        Attributes attributes = send(row.body());
        AttributeKey<?> key = attributes.asMap().keySet().stream()
                .filter(candidate -> candidate.getKey().equals(row.key()))
                .findFirst()
                .orElseThrow();
        assertThat(key.getType()).isEqualTo(row.type());
        assertThat((Object) attributes.get(key)).isEqualTo(row.formula().apply(ended.getFirst()));
    }

    @Test
    void timeBlockedOnASlowClientIsAnAttributeAndAnEvent() throws IOException {
        server.engine().script(ScriptedGeneration::silent);
        try (Socket slow = server.connect()) {
            String body = "{\"prompt\":\"a\",\"stream\":true}";
            slow.getOutputStream()
                    .write(("POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: " + body.length() + "\r\n\r\n"
                                    + body)
                            .getBytes(StandardCharsets.UTF_8));
            server.engine().submitted().send(LARGE);
            Waiting.until(() -> !exported.getFinishedSpanItems().isEmpty(), "the write is given up");
        }
        SpanData span = exported.getFinishedSpanItems().getFirst();
        AnswerTimes answer = ended.getFirst().answer();
        assertThat(span.getAttributes().get(SpanKeys.CLIENT_BLOCKED))
                .isEqualTo(answer.blockedNanos() / 1e9)
                .isGreaterThanOrEqualTo(TestServer.WRITE_TIMEOUT.toMillis() / 1e3);
        assertThat(span.getEvents()).extracting(EventData::getName).containsExactly("client_blocked");
        assertThat(span.getEvents().getFirst().getAttributes().get(SpanKeys.CLIENT_BLOCKED))
                .isEqualTo(answer.blocked().getFirst().nanos() / 1e9);
    }

    @Test
    void aLifeOfTooManyPartsSaysSo() {
        server.engine().script(request -> ScriptedGeneration.words(request).truncated());
        assertThat(send(STREAMED).get(SpanKeys.TRUNCATED)).isTrue();
    }

    @Test
    void everyAttributeHasItsRowHereAndInThePage() throws IOException {
        List<String> known = new ArrayList<>(rows().stream().map(Row::key).toList());
        // Whatever port the test got.
        known.add("server.port");
        // Only where a write blocks, which a busy machine can bring about.
        known.add("spandrel.client.blocked_time");
        assertThat(send(STREAMED).asMap().keySet())
                .extracting(AttributeKey::getKey)
                .isSubsetOf(known);
        assertThat(TracesPage.typesOfLlmRequest()).containsKeys(known.toArray(String[]::new));
    }
}

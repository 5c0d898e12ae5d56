package dev.spandrel.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.server.telemetry.TraceBackend;
import dev.spandrel.server.telemetry.TracesPage;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/**
 * The table of docs/traces.md over the real engine and the bundled model: each attribute of {@code llm_request}, as it
 * comes to a backend, against what the engine itself stamped.
 */
class EngineStampsTest {
    private static final String CAPTURE = "otel.instrumentation.genai.capture.message.content";

    /** 17 blocks of 16 tokens: one sequence of the length below fits, two do not. */
    private static final String KV_CACHE_BYTES = String.valueOf(17 * 16 * 6 * 2 * 192 * 4);

    private static final String LONG_PROMPT =
            "Once upon a time there was a fox who lived in a wood and a bird who lived in a tree and they were friends";

    private static final Map<String, Sent> SENT = new HashMap<>();
    private static final Map<String, List<Span>> PHASES = new HashMap<>();
    private static final Map<String, Span> REQUESTS = new HashMap<>();
    private static List<String> startSpans;
    private static List<String> startPhases;

    /** A span that came, and the generations behind it. */
    private record Sent(String id, Map<String, Object> attributes, List<Generation> generations) {
        Generation generation() {
            return generations.getFirst();
        }

        double seconds(ToLongFunction<RequestTimings> from, ToLongFunction<RequestTimings> to) {
            RequestTimings timings = generation().timings();
            return (to.applyAsLong(timings) - from.applyAsLong(timings)) / 1e9;
        }
    }

    /** One attribute: in which request it is looked at, and what it must be. */
    private record Row(String key, String request, Function<Sent, Object> formula) {
        @Override
        public String toString() {
            return key + " of " + request;
        }
    }

    @BeforeAll
    static void run() throws Exception {
        System.setProperty(CAPTURE, "true");
        try (TraceBackend backend = new TraceBackend()) {
            ServerConfig config = config(backend.grpcPort());
            List<WatchedEngine> engines = new ArrayList<>();
            try (SpandrelServer server = SpandrelServer.start(config, engine -> {
                engines.add(new WatchedEngine(Engine.open(engine)));
                return engines.getFirst();
            })) {
                send(server, "sampled", """
                        {"model": "spandrel-tiny", "prompt": "The fox and the", "max_tokens": 9, "temperature": 0.5, "top_p": 0.9, "top_k": 5,
                         "frequency_penalty": 0.25, "presence_penalty": -0.5, "repetition_penalty": 1.1, "min_p": 0.05, "min_tokens": 3,
                         "seed": 7, "stop": ["no such text"], "stream": true, "ignore_eos": true,
                         "session_id": "of-tests"}""");
                send(server, "first", "{\"prompt\": \"" + LONG_PROMPT + "\", \"max_tokens\": 1}");
                send(server, "cached", "{\"prompt\": \"" + LONG_PROMPT + "\", \"max_tokens\": 2}");
                send(server, "beams", """
                        {"prompt": "Once upon a time", "n": 3, "use_beam_search": true, "max_tokens": 4}""");
                send(server, "preempted", """
                        {"prompt": "Once upon a time", "n": 2, "max_tokens": 200, "ignore_eos": true}""");
                send(server, "refused", "{\"prompt\": \"Once\", \"max_tokens\": 4000}");
            }
            startPhases = engines.getFirst().startPhases().stream()
                    .map(phase -> phase.parent() + "/" + phase.name())
                    .toList();
            collect(backend.spans(), engines.getFirst());
        } finally {
            System.clearProperty(CAPTURE);
        }
    }

    /** By the flags, as a user has it. */
    private static ServerConfig config(int backendPort) {
        ServeCommand command = new ServeCommand(_ -> {});
        new CommandLine(command)
                .parseArgs(
                        "../models/spandrel-tiny",
                        "--host=127.0.0.1",
                        "--port=0",
                        "--threads=1",
                        "--max-model-len=256",
                        "--kv-cache-memory-bytes=" + KV_CACHE_BYTES,
                        "--enable-request-id-headers",
                        "--collect-detailed-traces=request,all",
                        "--otlp-traces-endpoint=grpc://127.0.0.1:" + backendPort);
        return command.config();
    }

    private static void send(SpandrelServer server, String id, String body) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            client.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + "/v1/completions"))
                            .header("X-Request-Id", id)
                            .POST(HttpRequest.BodyPublishers.ofString(body))
                            .build(),
                    BodyHandlers.ofString());
        }
    }

    private static void collect(List<Span> spans, WatchedEngine engine) {
        Map<String, String> names = new HashMap<>();
        spans.forEach(span -> names.put(span.getSpanId().toStringUtf8(), span.getName()));
        Span start = spans.stream()
                .filter(span -> span.getName().equals("start"))
                .findFirst()
                .orElseThrow();
        startSpans = spans.stream()
                .filter(span -> span.getTraceId().equals(start.getTraceId()) && span != start)
                .sorted(Comparator.comparing(Span::getStartTimeUnixNano)
                        .thenComparing(
                                Comparator.comparing(Span::getEndTimeUnixNano).reversed()))
                .map(span -> parent(span, start, names) + "/" + span.getName())
                .toList();
        spans.stream().filter(span -> span.getName().equals("llm_request")).forEach(span -> {
            Map<String, Object> attributes = attributes(span);
            String requestId = (String) attributes.get("gen_ai.request.id");
            String id = requestId.substring("cmpl-".length(), requestId.lastIndexOf('-'));
            // Of the two that get in each other's way, the one that had to give way.
            if (!id.equals("preempted") || attributes.containsKey("spandrel.preemptions")) {
                SENT.put(id, new Sent(id, attributes, behind(attributes, engine.generations(requestId))));
                REQUESTS.put(id, span);
                PHASES.put(id, phasesOf(span, spans));
            }
        });
    }

    private static List<Span> phasesOf(Span request, List<Span> spans) {
        return spans.stream()
                .filter(span -> span.getParentSpanId().equals(request.getSpanId()))
                .sorted(Comparator.comparing(Span::getStartTimeUnixNano).thenComparing(Span::getEndTimeUnixNano))
                .toList();
    }

    private static String parent(Span span, Span start, Map<String, String> names) {
        return span.getParentSpanId().equals(start.getSpanId())
                ? ""
                : names.get(span.getParentSpanId().toStringUtf8());
    }

    private static List<Generation> behind(Map<String, Object> attributes, List<Generation> all) {
        if (all == null || !attributes.containsKey("spandrel.preemptions")) {
            return all;
        }
        return all.stream()
                .filter(generation -> generation.timings().preemptions() > 0)
                .toList();
    }

    private static Map<String, Object> attributes(Span span) {
        Map<String, Object> attributes = new HashMap<>();
        for (KeyValue attribute : span.getAttributesList()) {
            attributes.put(attribute.getKey(), value(attribute.getValue()));
        }
        return attributes;
    }

    private static Object value(AnyValue value) {
        return switch (value.getValueCase()) {
            case STRING_VALUE -> value.getStringValue();
            case BOOL_VALUE -> value.getBoolValue();
            case INT_VALUE -> value.getIntValue();
            case DOUBLE_VALUE -> value.getDoubleValue();
            case ARRAY_VALUE ->
                value.getArrayValue().getValuesList().stream()
                        .map(AnyValue::getStringValue)
                        .toList();
            default -> throw new AssertionError(value);
        };
    }

    private static Row row(String key, String request, Function<Sent, Object> formula) {
        return new Row(key, request, formula);
    }

    private static Row row(String key, Object value) {
        return new Row(key, "sampled", _ -> value);
    }

    private static Row seconds(
            String key, String request, ToLongFunction<RequestTimings> from, ToLongFunction<RequestTimings> to) {
        return new Row("gen_ai.latency." + key, request, sent -> sent.seconds(from, to));
    }

    /** The latencies hold for every request that ran, preempted or not, beams or not. */
    private static Stream<Row> latencies(String request) {
        return Stream.of(
                seconds("time_to_first_token", request, RequestTimings::arrivalNanos, RequestTimings::firstTokenNanos),
                seconds("e2e", request, RequestTimings::arrivalNanos, RequestTimings::finishedNanos),
                seconds("time_in_queue", request, RequestTimings::queuedNanos, RequestTimings::firstScheduledNanos),
                seconds(
                        "time_in_model_prefill",
                        request,
                        RequestTimings::firstScheduledNanos,
                        RequestTimings::firstTokenNanos),
                seconds(
                        "time_in_model_decode",
                        request,
                        RequestTimings::firstTokenNanos,
                        RequestTimings::lastTokenNanos),
                seconds(
                        "time_in_model_inference",
                        request,
                        RequestTimings::firstScheduledNanos,
                        RequestTimings::lastTokenNanos),
                row(
                        "gen_ai.latency.time_in_model_forward",
                        request,
                        sent -> sent.generation().phases().forwardNanos() / 1e9),
                row(
                        "gen_ai.latency.time_in_model_execute",
                        request,
                        sent -> sent.generation().phases().executeNanos() / 1e9),
                row(
                        "gen_ai.latency.time_in_scheduler",
                        request,
                        sent -> sent.generation().phases().schedulerNanos() / 1e9));
    }

    private static Stream<Row> counts(String request) {
        return Stream.of(
                row("gen_ai.usage.prompt_tokens", request, EngineStampsTest::promptTokens),
                row("gen_ai.usage.input_tokens", request, EngineStampsTest::promptTokens),
                row("gen_ai.usage.completion_tokens", request, EngineStampsTest::tokens),
                row("gen_ai.usage.output_tokens", request, EngineStampsTest::tokens));
    }

    private static long promptTokens(Sent sent) {
        return sent.generation().promptTokens();
    }

    private static long tokens(Sent sent) {
        return sent.generations().stream()
                .mapToLong(Generation::completionTokens)
                .sum();
    }

    static List<Row> rows() {
        Stream<Row> numbers = Stream.of("sampled", "cached", "beams", "preempted")
                .flatMap(request -> Stream.concat(latencies(request), counts(request)));
        Stream<Row> rest = Stream.of(
                row("gen_ai.usage.cache_read.input_tokens", "cached", sent ->
                        (long) sent.generation().cachedTokens()),
                row("gen_ai.usage.num_sequences", "beams", sent ->
                        (long) sent.generations().size()),
                row("gen_ai.request.choice.count", "beams", _ -> 3L),
                row("gen_ai.request.n", "beams", _ -> 3L),
                row("gen_ai.request.n", 1L),
                row("gen_ai.request.id", "sampled", sent -> sent.generation().id()),
                row("gen_ai.response.id", "cmpl-sampled"),
                row("gen_ai.request.temperature", 0.5),
                row("gen_ai.request.top_p", 0.9),
                row("gen_ai.request.top_k", 5L),
                row("gen_ai.conversation.id", "of-tests"),
                row("gen_ai.request.seed", 7L),
                row(
                        "gen_ai.request.frequency_penalty",
                        "sampled",
                        sent -> sent.generation().sampling().penalties().frequency()),
                row(
                        "gen_ai.request.presence_penalty",
                        "sampled",
                        sent -> sent.generation().sampling().penalties().presence()),
                row(
                        "spandrel.request.repetition_penalty",
                        "sampled",
                        sent -> sent.generation().sampling().penalties().repetition()),
                row(
                        "spandrel.request.min_p",
                        "sampled",
                        sent -> sent.generation().sampling().minP()),
                row("spandrel.request.min_tokens", 3L),
                row("gen_ai.request.stop_sequences", List.of("no such text")),
                row("gen_ai.request.max_tokens", 9L),
                row("gen_ai.request.stream", true),
                row("gen_ai.response.model", "spandrel-tiny"),
                row("gen_ai.operation.name", "text_completion"),
                row("gen_ai.provider.name", "spandrel"),
                row("gen_ai.request.model", "spandrel-tiny"),
                row("server.address", "127.0.0.1"),
                row(
                        "gen_ai.input.messages",
                        "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"The fox and the\"}]}]"),
                row("gen_ai.output.type", "text"),
                row("gen_ai.response.finish_reasons", List.of("length")),
                row("spandrel.preemptions", "preempted", sent ->
                        (long) sent.generation().timings().preemptions()),
                row("gen_ai.request.id", "refused", _ -> "cmpl-refused-0"),
                row("error.type", "refused", _ -> "400"),
                row(
                        "error.message",
                        "refused",
                        _ -> "max_tokens must not exceed the model's context length of 256, got 4000."
                                + " (parameter=max_tokens, value=4000)"),
                row("gen_ai.response.finish_reasons", "refused", _ -> List.of("error")));
        return Stream.concat(numbers, rest).toList();
    }

    @ParameterizedTest
    @MethodSource("rows")
    void theAttributeIsWhatTheEngineStamped(Row row) {
        Sent sent = SENT.get(row.request());
        assertThat(sent).as(row.request()).isNotNull();
        assertThat(sent.attributes()).containsEntry(row.key(), row.formula().apply(sent));
    }

    /** Guards the rows above against being true of nothing. */
    @Test
    void theRequestsWereWhatTheyAreNamed() {
        assertThat(SENT.get("cached").generation().cachedTokens()).isGreaterThanOrEqualTo(16);
        assertThat(SENT.get("preempted").generation().timings().preemptions()).isPositive();
        assertThat(SENT.get("preempted").generation().completionTokens()).isEqualTo(200);
        assertThat(SENT.get("beams").generations()).hasSize(3);
        assertThat(tokens(SENT.get("sampled"))).isEqualTo(9);
        assertThat(SENT.get("sampled").seconds(RequestTimings::firstScheduledNanos, RequestTimings::lastTokenNanos))
                .isPositive();
        assertThat(SENT.get("sampled").generation().phases().forwardNanos()).isPositive();
    }

    @ParameterizedTest
    @ValueSource(strings = {"sampled", "first", "cached", "beams", "preempted"})
    void phasesOfTheRealEngineAddUpToTheRequest(String id) {
        Span request = REQUESTS.get(id);
        long at = request.getStartTimeUnixNano();
        for (Span phase : PHASES.get(id)) {
            assertThat(phase.getStartTimeUnixNano()).as(phase.getName()).isEqualTo(at);
            at = phase.getEndTimeUnixNano();
        }
        assertThat(at).isEqualTo(request.getEndTimeUnixNano());
        assertThat(PHASES.get(id)).extracting(Span::getName).startsWith("tokenize", "queue", "prefill");
    }

    @Test
    void aPreemptionIsAnEventAndANewWait() {
        long preemptions = (Long) SENT.get("preempted").attributes().get("spandrel.preemptions");
        List<Span> phases = PHASES.get("preempted");
        assertThat(phases.stream().filter(phase -> phase.getName().equals("queue")))
                .hasSize((int) preemptions + 1);
        assertThat(phases.stream()
                        .flatMap(phase -> phase.getEventsList().stream())
                        .filter(event -> event.getName().equals("preempted")))
                .hasSize((int) preemptions);
    }

    /** 200 tokens and an event after every 32: six, the last of them after token 192. */
    @Test
    void tokensAreEventsWithTheLatencyBetweenThem() {
        List<Span.Event> events = PHASES.get("preempted").stream()
                .flatMap(phase -> phase.getEventsList().stream())
                .filter(event -> event.getName().equals("tokens"))
                .toList();
        long[] stamps = SENT.get("preempted").generation().tokenNanos();
        assertThat(events).hasSizeBetween(5, 6).allSatisfy(event -> {
            Map<String, Object> attributes = new HashMap<>();
            event.getAttributesList()
                    .forEach(attribute -> attributes.put(attribute.getKey(), value(attribute.getValue())));
            int last = Math.toIntExact((Long) attributes.get("spandrel.token.index"));
            assertThat(last % 32).isZero();
            assertThat(attributes)
                    .containsEntry("spandrel.inter_token_latency.mean", (stamps[last] - stamps[last - 32]) / 1e9 / 32);
        });
    }

    @Test
    void thePageKnowsTheTypeOfEveryAttributeThatCame() throws IOException {
        Map<String, String> page = TracesPage.typesOfLlmRequest();
        SENT.values()
                .forEach(sent -> sent.attributes()
                        .forEach((key, value) -> assertThat(page).containsEntry(key, TracesPage.typeOf(value))));
    }

    @Test
    void everyAttributeOfThePageCameButThoseAttributeTableTestBringsAbout() throws IOException {
        Set<String> page = new TreeSet<>(TracesPage.typesOfLlmRequest().keySet());
        SENT.values().forEach(sent -> page.removeAll(sent.attributes().keySet()));
        assertThat(page).isSubsetOf("spandrel.client.blocked_time", "spandrel.phases.truncated");
    }

    @Test
    void theStartIsATreeOfWhatTheEngineDid() {
        assertThat(startSpans).containsExactlyInAnyOrderElementsOf(startPhases);
        assertThat(startSpans).contains("/load", "load/map", "load/upload", "load/allocate_kv_cache", "/warm_up");
    }

    @AfterAll
    static void forget() {
        SENT.clear();
        PHASES.clear();
        REQUESTS.clear();
    }
}

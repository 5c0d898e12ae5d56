package dev.spandrel.server;

import dev.spandrel.server.telemetry.AttributeStyle;
import dev.spandrel.server.telemetry.DetailedTraces;
import dev.spandrel.server.telemetry.TelemetryConfigException;
import dev.spandrel.server.telemetry.TraceSettings;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.function.UnaryOperator;
import picocli.CommandLine.Option;

/** The flags of {@code serve} that say what goes into spans, and what more into metrics. */
final class TraceOptions {
    private static final String CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";

    @Option(
            names = "--otlp-traces-endpoint",
            paramLabel = "URL",
            description = "Where traces go: host:port, grpc://, grpcs://, http:// or https://. Turns tracing on.")
    String endpoint;

    @Option(
            names = "--no-http-spans",
            description = "No span per HTTP request; llm_request is directly below the client's span, as in vLLM.")
    boolean noHttpSpans;

    @Option(
            names = "--collect-detailed-traces",
            paramLabel = "KIND",
            description =
                    "Comma list of: request (a span per phase of a request), step (a span per engine step), model,"
                            + " worker, all (time in model and worker on llm_request, as in vLLM). Default: none of these.")
    private List<String> detailed = List.of();

    @Option(
            names = "--kv-cache-metrics",
            description = "Tell how long KV blocks live, lie idle and until they are used again (vllm:kv_block_*).")
    private boolean kvCacheMetrics;

    @Option(
            names = "--kv-cache-metrics-sample",
            defaultValue = "0.01",
            paramLabel = "RATIO",
            description =
                    "Share of KV blocks that --kv-cache-metrics looks at, above 0 up to 1. Default: ${DEFAULT-VALUE}.")
    private double kvCacheMetricsSample;

    /** Share of KV blocks whose lives are told of; 0 = none. */
    double kvCacheMetricsSample() {
        if (kvCacheMetrics && !(kvCacheMetricsSample > 0)) {
            throw new IllegalArgumentException(
                    "--kv-cache-metrics-sample must be above 0 and at most 1, found " + kvCacheMetricsSample);
        }
        return kvCacheMetrics ? kvCacheMetricsSample : 0;
    }

    @Option(
            names = "--span-attributes",
            defaultValue = "both",
            paramLabel = "STYLE",
            description = "Whose attribute keys: vllm, gen_ai or both. Default: ${DEFAULT-VALUE}.")
    private String attributes;

    @Option(
            names = "--trace-token-interval",
            defaultValue = "" + TraceSettings.DEFAULT_TOKEN_INTERVAL,
            paramLabel = "N",
            description = "Tokens between two events on a decode span; 0 = none. Default: ${DEFAULT-VALUE}.")
    private int tokenInterval;

    @Option(
            names = "--trace-step-ratio",
            defaultValue = "0.01",
            paramLabel = "RATIO",
            description = "Share of engine steps that get a span, 0 to 1. Default: ${DEFAULT-VALUE}.")
    private double stepRatio;

    @Option(
            names = "--trace-baggage-keys",
            split = ",",
            paramLabel = "KEY",
            description = "Baggage entries that become attributes of llm_request.")
    private List<String> baggageKeys = List.of();

    @Option(
            names = "--trace-content-limit",
            defaultValue = "" + TraceSettings.DEFAULT_CONTENT_LIMIT,
            paramLabel = "CHARS",
            description = "Most characters of a prompt or an answer on a span, where " + CAPTURE
                    + " is true. Default: ${DEFAULT-VALUE}.")
    private int contentLimit;

    /**
     * The flags, checked.
     *
     * @throws IllegalArgumentException naming the flag, what was found and what is allowed
     * @throws TelemetryConfigException likewise for a variable
     */
    TraceSettings settings(UnaryOperator<String> environment) {
        if (contentLimit < 1) {
            throw new IllegalArgumentException("--trace-content-limit must be at least 1, found " + contentLimit);
        }
        EnumSet<DetailedTraces> kinds = EnumSet.noneOf(DetailedTraces.class);
        detailed.stream()
                .flatMap(list -> Arrays.stream(list.split(",", -1)))
                .map(kind -> oneOf("--collect-detailed-traces", DetailedTraces.class, kind))
                .forEach(kinds::add);
        return new TraceSettings(
                oneOf("--span-attributes", AttributeStyle.class, attributes),
                kinds,
                tokenInterval,
                stepRatio,
                baggageKeys.stream().map(String::strip).toList(),
                captures(environment) ? contentLimit : 0);
    }

    /** Whether details were asked for that only a trace can show. */
    boolean wantsTraces() {
        return !detailed.isEmpty();
    }

    private static <E extends Enum<E>> E oneOf(String flag, Class<E> type, String found) {
        List<String> allowed = Arrays.stream(type.getEnumConstants())
                .map(constant -> constant.name().toLowerCase(Locale.ROOT))
                .toList();
        int at = allowed.indexOf(found.strip());
        if (at < 0) {
            throw new IllegalArgumentException(
                    flag + ": expected one of " + String.join(", ", allowed) + ", found \"" + found + "\"");
        }
        return type.getEnumConstants()[at];
    }

    /** The switch of other GenAI instrumentations; some know more values, of which we have the one place, the span. */
    private static boolean captures(UnaryOperator<String> environment) {
        String value = environment.apply(CAPTURE);
        return switch (value == null ? "" : value.strip().toLowerCase(Locale.ROOT)) {
            case "true", "span_only", "span_and_event" -> true;
            case "", "false", "no_content", "event_only" -> false;
            default ->
                throw new IllegalArgumentException(CAPTURE
                        + ": expected one of true, false, span_only, span_and_event, event_only, no_content, found \""
                        + value + "\"");
        };
    }
}

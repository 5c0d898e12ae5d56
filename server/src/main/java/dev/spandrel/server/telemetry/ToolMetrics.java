package dev.spandrel.server.telemetry;

import dev.spandrel.server.openai.EndedGeneration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/**
 * vLLM's {@code vllm:tool_call_parser_invocations_total}: how often a choice was read for calls, and found to hold some. Streamed
 * choices count once too, where vLLM counts their pieces. All series are there from the start. Thread-safe.
 */
final class ToolMetrics {
    private static final String NAME = "vllm:tool_call_parser_invocations";

    private final Map<Series, LongAdder> counts = new LinkedHashMap<>();

    private record Series(String mode, String outcome, String requestType) {
        Series(boolean streamed, boolean calls, String requestType) {
            this(streamed ? "streaming" : "non_streaming", calls ? "tool_call" : "no_tool_call", requestType);
        }

        String labels() {
            return String.join(
                    ",",
                    PrometheusText.label("mode", mode),
                    PrometheusText.label("outcome", outcome),
                    PrometheusText.label("request_type", requestType));
        }
    }

    ToolMetrics() {
        for (boolean streamed : new boolean[] {true, false}) {
            for (boolean calls : new boolean[] {true, false}) {
                for (String type : List.of("chat_completions", "responses", "other")) {
                    counts.put(new Series(streamed, calls, type), new LongAdder());
                }
            }
        }
    }

    void ended(EndedGeneration generation) {
        generation.tools().ifPresent(reading -> {
            counts.get(new Series(generation.streamed(), true, reading.requestType()))
                    .add(reading.withCalls());
            counts.get(new Series(generation.streamed(), false, reading.requestType()))
                    .add(reading.withoutCalls());
        });
    }

    /** Its family; as with vLLM it is no engine's. */
    void write(PrometheusText out, String modelName) {
        out.labels(PrometheusText.label("model_name", modelName));
        out.counters(NAME, "Choices read for tool calls, once each.");
        counts.forEach((series, count) -> out.sample(NAME + "_total", series.labels(), count.sum()));
    }
}

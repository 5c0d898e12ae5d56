package dev.spandrel.sidecar.page;

/**
 * Tokens and latencies of a trace's generations, under vLLM's attribute names or those of the GenAI conventions. Tokens are
 * summed; a latency is that of the generation which began first, since the latencies of several at once do not add up.
 */
final class GenerationFigures {
    private static final String[] IN = {"gen_ai.usage.prompt_tokens", "gen_ai.usage.input_tokens"};
    private static final String[] OUT = {"gen_ai.usage.completion_tokens", "gen_ai.usage.output_tokens"};
    private static final String[] FIRST_TOKEN = {
        "gen_ai.latency.time_to_first_token", "gen_ai.response.time_to_first_chunk"
    };

    private int count;
    private double in;
    private double out;
    private boolean tellsIn;
    private boolean tellsOut;
    private double preemptions;
    private String model;
    private SpanAttributes first;

    /** Whether a span that is not the engine's own tells of a generation. */
    static boolean tells(SpanAttributes span) {
        return span.text(OUT) != null;
    }

    void add(SpanAttributes span) {
        count++;
        Double prompt = span.number(IN);
        Double completion = span.number(OUT);
        tellsIn |= prompt != null;
        tellsOut |= completion != null;
        in += prompt == null ? 0 : prompt;
        out += completion == null ? 0 : completion;
        Double lost = span.number("spandrel.preemptions");
        preemptions += lost == null ? 0 : lost;
        if (first == null || span.startNanos() < first.startNanos()) {
            first = span;
            model = span.text("gen_ai.request.model", "gen_ai.response.model");
        }
    }

    int count() {
        return count;
    }

    String model() {
        return model;
    }

    /** {@code stop} out of {@code [stop]}; null where nothing is said. */
    String finish() {
        String reasons = first == null ? null : first.text("gen_ai.response.finish_reasons");
        return reasons == null ? null : reasons.replaceAll("[\\[\\]]", "");
    }

    Long tokensIn() {
        return tellsIn ? (Long) (long) in : null;
    }

    Long tokensOut() {
        return tellsOut ? (Long) (long) out : null;
    }

    Long preemptions() {
        return preemptions > 0 ? (Long) (long) preemptions : null;
    }

    Double queueMillis() {
        return millis("gen_ai.latency.time_in_queue");
    }

    Double firstTokenMillis() {
        return millis(FIRST_TOKEN);
    }

    /** Time from the first token to the last, for each token after the first; null where there is none. */
    Double perTokenMillis(Double decodeMillis) {
        Double tokens = first == null ? null : first.number(OUT);
        Double told = millis("gen_ai.latency.time_in_model_decode");
        Double decode = told != null || count > 1 ? told : decodeMillis;
        return tokens == null || tokens < 2 || decode == null ? null : (Double) (decode / (tokens - 1));
    }

    private Double millis(String... keys) {
        Double seconds = first == null ? null : first.number(keys);
        return seconds == null ? null : (Double) (seconds * 1e3);
    }
}

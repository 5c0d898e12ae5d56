package dev.spandrel.server.openai;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * Whether and how an answer is streamed.
 *
 * @param on server-sent events instead of one body
 * @param includeUsage one more chunk with the usage after all choices
 * @param interval tokens from one chunk of a choice to the next
 * @param continuousUsage running usage on every chunk; counts only together with {@code includeUsage}, as in vLLM
 */
record Streaming(boolean on, int interval, boolean includeUsage, boolean continuousUsage) {

    /**
     * Reads {@code stream}, {@code stream_interval} and {@code stream_options}.
     *
     * @throws OpenAiException 400, when there are options without a stream or the interval is none
     */
    static Streaming read(RequestFields fields, ServedModel model) {
        boolean on = fields.bool("stream", false);
        OptionalInt interval = fields.integer("stream_interval");
        Optional<RequestFields> options = fields.object("stream_options");
        boolean usage = options.map(o -> o.bool("include_usage", false)).orElse(false);
        boolean continuous =
                options.map(o -> o.bool("continuous_usage_stats", false)).orElse(false);
        fields.check();
        if (options.isPresent() && !on) {
            throw new OpenAiException(
                    OpenAiError.badRequest("stream_options", "stream_options may only be set when stream is true."));
        }
        if (interval.isPresent() && interval.getAsInt() < 1) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "stream_interval", "stream_interval must be at least 1, got " + interval.getAsInt() + "."));
        }
        boolean force = model.settings().forceIncludeUsage();
        int tokens = interval.orElse(model.settings().defaults().answers().streamInterval());
        return new Streaming(on, tokens, usage || force, usage && continuous || force);
    }
}

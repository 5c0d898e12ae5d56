package dev.spandrel.server.openai;

import java.util.Optional;

/**
 * Whether and how an answer is streamed.
 *
 * @param on server-sent events instead of one body
 * @param includeUsage one more chunk with the usage after all choices
 * @param continuousUsage running usage on every chunk; counts only together with {@code includeUsage}, as in vLLM
 */
record Streaming(boolean on, boolean includeUsage, boolean continuousUsage) {

    /**
     * Reads {@code stream} and {@code stream_options}.
     *
     * @throws OpenAiException 400, when there are options without a stream
     */
    static Streaming read(RequestFields fields, ServedModel model) {
        boolean on = fields.bool("stream", false);
        Optional<RequestFields> options = fields.object("stream_options");
        boolean usage = options.map(o -> o.bool("include_usage", false)).orElse(false);
        boolean continuous =
                options.map(o -> o.bool("continuous_usage_stats", false)).orElse(false);
        fields.check();
        if (options.isPresent() && !on) {
            throw new OpenAiException(
                    OpenAiError.badRequest("stream_options", "stream_options may only be set when stream is true."));
        }
        boolean force = model.settings().forceIncludeUsage();
        return new Streaming(on, usage || force, usage && continuous || force);
    }
}

package dev.spandrel.server.openai;

import dev.spandrel.engine.EngineException;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * Errors of a response, which is read as a chat, in the words of its own body: what is wrong with the third message was
 * wrong with some item of the input.
 */
final class ResponsesWords {
    private static final Pattern MESSAGE = Pattern.compile("\\bmessages(?:\\.(\\d+))?");
    private static final Pattern TOOL = Pattern.compile("\\b(tools\\.\\d+)\\.function\\b");

    /** Where each message came from: {@code input}, {@code input.2} or {@code instructions}. */
    private final List<String> origins;

    /** @param origins one per message, in order */
    ResponsesWords(List<String> origins) {
        this.origins = List.copyOf(origins);
    }

    /** For who knows no single messages. */
    static RuntimeException of(RuntimeException failure) {
        return new ResponsesWords(List.of()).translate(failure);
    }

    /** The same failure; those that name no field of the body as they are. */
    RuntimeException translate(RuntimeException failure) {
        return switch (failure) {
            case OpenAiException refused -> new OpenAiException(translate(refused.error()));
            case EngineException.InvalidRequest invalid -> new OpenAiException(translate(OpenAiError.of(invalid)));
            default -> failure;
        };
    }

    private OpenAiError translate(OpenAiError error) {
        return new OpenAiError(
                error.status(),
                error.type(),
                error.param() == null ? null : words(error.param()),
                words(error.message()),
                error.retryAfterSeconds());
    }

    private String words(String text) {
        String messages = MESSAGE.matcher(text).replaceAll(this::origin);
        return TOOL.matcher(messages)
                .replaceAll("$1")
                .replace("\"function\": {\"name\": …, \"parameters\": …}", "\"name\": …, \"parameters\": …")
                .replaceAll("\\bmax_completion_tokens\\b|\\bmax_tokens\\b", "max_output_tokens")
                .replaceAll("\\bresponse_format\\.json_schema\\.schema\\b", "text.format.schema")
                .replaceAll("\\bresponse_format\\b", "text.format");
    }

    private String origin(MatchResult message) {
        if (message.group(1) == null) {
            return "input";
        }
        int index = message.group(1).length() > 6 ? Integer.MAX_VALUE : Integer.parseInt(message.group(1));
        return index < origins.size() ? origins.get(index) : "input";
    }
}

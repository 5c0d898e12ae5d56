package dev.spandrel.server.openai;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import java.util.Optional;
import tools.jackson.databind.node.IntNode;

/**
 * Fields that decide when a request runs and with whom it shares cached beginnings.
 *
 * @param priority smaller is sooner
 * @param cacheSalt empty for none
 */
record Scheduling(int priority, String cacheSalt) {
    /** Where a proxy in front says it. */
    static final HeaderName PRIORITY = HeaderNames.create("X-Vllm-Priority");

    /** The fields with the header's priority in place of the body's, as in vLLM; one that is no whole number is none. */
    static RequestFields prioritized(RequestFields fields, Optional<String> header) {
        try {
            return header.isEmpty()
                    ? fields
                    : fields.with(
                            "priority",
                            IntNode.valueOf(Integer.parseInt(header.get().strip())));
        } catch (NumberFormatException e) {
            return fields;
        }
    }

    static Scheduling read(RequestFields fields) {
        return new Scheduling(
                fields.integer("priority").orElse(0),
                fields.string("cache_salt").orElse(""));
    }

    /**
     * Refuses a priority where none are kept, as vLLM does.
     *
     * @throws OpenAiException 400
     */
    void check(ServedModel model) {
        if (priority != 0 && !model.priorities()) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "priority",
                    "priority " + priority + " was given, but the server schedules first come, first served;"
                            + " --scheduling-policy priority changes that."));
        }
    }
}

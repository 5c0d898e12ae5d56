package dev.spandrel.server.openai;

/**
 * Fields that decide when a request runs and with whom it shares cached beginnings.
 *
 * @param priority smaller is sooner
 * @param cacheSalt empty for none
 */
record Scheduling(int priority, String cacheSalt) {
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

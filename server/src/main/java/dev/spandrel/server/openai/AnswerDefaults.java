package dev.spandrel.server.openai;

/**
 * How answers look where the request does not say.
 *
 * @param responseRole of messages; a request that continues its last message gets that one's
 * @param tokensAsIds whether log probabilities name tokens {@code token_id:N}
 * @param streamInterval tokens from one chunk of a choice to the next; the first is sent at once
 */
public record AnswerDefaults(String responseRole, boolean tokensAsIds, int streamInterval) {
    /** The operator says nothing. */
    public static final AnswerDefaults NONE = new AnswerDefaults("assistant", false, 1);

    public AnswerDefaults {
        if (responseRole.isBlank()) {
            throw new IllegalArgumentException("--response-role must not be blank");
        }
        if (streamInterval < 1) {
            throw new IllegalArgumentException("--stream-interval must be at least 1, found " + streamInterval);
        }
    }
}

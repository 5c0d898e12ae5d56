package dev.spandrel.server.openai;

import java.util.HexFormat;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * The id of an answer: the client's {@code X-Request-Id}, else the body's {@code request_id}, else random.
 *
 * @param header value of {@code X-Request-Id}
 * @param random source of ids nobody gave
 */
record RequestIds(Optional<String> header, RandomGenerator random) {
    /** It is repeated in every chunk and in spans, so it has a limit. */
    private static final int MAX_LENGTH = 256;

    private static final int TOOL_CALL_ID_LENGTH = 9;

    /**
     * The id without the endpoint's prefix.
     *
     * @throws OpenAiException 400, when the given one is too long
     */
    String of(Optional<String> field) {
        String id = header.or(() -> field).orElseGet(this::fresh);
        if (id.length() > MAX_LENGTH) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "request_id", "A request id may have " + MAX_LENGTH + " characters, got " + id.length() + "."));
        }
        return id;
    }

    /** As {@link #of}, for a request that is refused anyway: what is too long is cut. */
    String ofRefused(Optional<String> field) {
        String id = header.or(() -> field).orElseGet(this::fresh);
        return id.substring(0, Math.min(id.length(), MAX_LENGTH));
    }

    /** A new id for a tool call; nine letters and digits, since Mistral's template takes no others. */
    String toolCall() {
        StringBuilder id = new StringBuilder(TOOL_CALL_ID_LENGTH);
        for (int i = 0; i < TOOL_CALL_ID_LENGTH; i++) {
            id.append(Character.forDigit(random.nextInt(36), 36));
        }
        return id.toString();
    }

    private String fresh() {
        byte[] bytes = new byte[16];
        random.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}

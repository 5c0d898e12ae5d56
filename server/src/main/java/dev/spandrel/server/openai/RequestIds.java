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

    private String fresh() {
        byte[] bytes = new byte[16];
        random.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}

package dev.spandrel.server;

/** Why the server cannot start, in words for the person who started it; no stack trace would help them. */
final class StartException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    StartException(String message, Throwable cause) {
        super(message, cause);
    }
}

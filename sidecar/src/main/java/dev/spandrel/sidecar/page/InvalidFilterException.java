package dev.spandrel.sidecar.page;

/** A filter that cannot be meant; the message says what was found and what is expected. */
final class InvalidFilterException extends Exception {
    private static final long serialVersionUID = 1L;

    InvalidFilterException(String message) {
        super(message);
    }
}

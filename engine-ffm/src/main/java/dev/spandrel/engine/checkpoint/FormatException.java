package dev.spandrel.engine.checkpoint;

/** A file that is not what its format asks for; the message says where, what was expected and what was found. */
final class FormatException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    FormatException(long offset, String message) {
        super("offset " + offset + ": " + message, null, false, false);
    }
}

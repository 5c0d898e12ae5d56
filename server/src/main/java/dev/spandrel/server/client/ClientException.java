package dev.spandrel.server.client;

/** Why there is no completion, in words for the person who asked. */
public final class ClientException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ClientException(String message, Throwable cause) {
        super(message, cause);
    }
}

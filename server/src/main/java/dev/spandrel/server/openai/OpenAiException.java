package dev.spandrel.server.openai;

/** Ends a request with an {@link OpenAiError}; thrown on the request's thread, turned into a response in one place. */
final class OpenAiException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final transient OpenAiError error;

    OpenAiException(OpenAiError error) {
        // An answer, not a fault of ours: nobody reads the stack trace, and making it is the dear part.
        super(error.message(), null, false, false);
        this.error = error;
    }

    OpenAiError error() {
        return error;
    }
}

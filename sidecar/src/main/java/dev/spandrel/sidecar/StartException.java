package dev.spandrel.sidecar;

/** Why the sidecar does not start, in one line for the person at the terminal, with the exit code that goes with it. */
final class StartException extends Exception {
    private static final long serialVersionUID = 1L;

    /** A port or a folder that cannot be had. */
    static final int UNAVAILABLE = 1;
    /** Settings that cannot be meant. */
    static final int USAGE = 2;

    private final int exitCode;

    StartException(int exitCode, String message) {
        super(message);
        this.exitCode = exitCode;
    }

    int exitCode() {
        return exitCode;
    }
}

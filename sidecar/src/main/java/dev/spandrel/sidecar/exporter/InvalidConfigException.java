package dev.spandrel.sidecar.exporter;

/** A setting that cannot be meant; the message is one line with the setting, what was found and what is allowed. */
public final class InvalidConfigException extends Exception {
    private static final long serialVersionUID = 1L;

    public InvalidConfigException(String message) {
        super(message);
    }
}

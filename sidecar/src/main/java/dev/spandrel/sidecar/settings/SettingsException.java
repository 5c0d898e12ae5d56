package dev.spandrel.sidecar.settings;

/** Settings that cannot be meant, in one line. */
public final class SettingsException extends Exception {
    private static final long serialVersionUID = 1L;

    public SettingsException(String message) {
        super(message);
    }
}

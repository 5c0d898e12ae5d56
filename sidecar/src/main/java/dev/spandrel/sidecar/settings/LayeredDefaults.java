package dev.spandrel.sidecar.settings;

import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * What a flag is when it is not given: its variable, {@code SPANDREL_SIDECAR_JOURNAL_DIR} for {@code --journal-dir}, else
 * its key in the file, else its own default. The exporter's flags have variables of their own, by the specification.
 */
public final class LayeredDefaults implements IDefaultValueProvider {
    private static final String PREFIX = "SPANDREL_SIDECAR_";

    private final Map<String, String> environment;
    private final SettingsFile file;

    public LayeredDefaults(Map<String, String> environment, SettingsFile file) {
        this.environment = environment;
        this.file = file;
    }

    /** The variable of a flag. */
    public static String variable(String key) {
        return PREFIX + key.toUpperCase(Locale.ROOT).replace('-', '_');
    }

    /** The key of a flag in the file: its name without dashes. */
    public static String key(OptionSpec option) {
        return option.longestName().replaceFirst("^-+", "");
    }

    /** Where the value of a flag that was not given comes from, for people. */
    public String origin(OptionSpec option) {
        String key = key(option);
        if (!environment.getOrDefault(variable(key), "").isBlank()) {
            return variable(key);
        }
        return file.settings().getOrDefault(key, "").isBlank() ? "default" : "file";
    }

    @Override
    public String defaultValue(ArgSpec argument) {
        if (!(argument instanceof OptionSpec option) || key(option).startsWith("otlp-")) {
            return null;
        }
        String key = key(option);
        String value = environment.getOrDefault(variable(key), "");
        value = value.isBlank() ? file.settings().getOrDefault(key, "") : value;
        // null is picocli's word for "ask the option itself"
        return value.isBlank() ? null : value;
    }
}

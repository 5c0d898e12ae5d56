package dev.spandrel.sidecar.settings;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The exporter settings of one destination, under the names of the {@code OTEL_EXPORTER_OTLP_*} variables, so that every
 * destination is read by the specification's rules. Layers are laid over one another: the general option of a higher layer
 * also removes what a lower one says for a single signal.
 */
public final class DestinationSettings {
    /** The destination that flags and variables speak of when they name none. */
    public static final String DEFAULT = "default";

    /** One more than the specification has: how many requests are under way at once. */
    public static final String CONCURRENCY = "concurrency";

    private static final String PREFIX = "OTEL_EXPORTER_OTLP_";
    private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9-]{0,31}");
    private static final List<String> SIGNALS = List.of("TRACES_", "METRICS_", "LOGS_", "PROFILES_");
    private static final List<String> OPTIONS = List.of(
            "endpoint",
            "protocol",
            "headers",
            "insecure",
            "compression",
            "timeout",
            "certificate",
            "client-key",
            "client-certificate");

    private final Map<String, String> variables = new TreeMap<>();
    private String concurrency = "";

    /** The name, where it can be one: it is used in metrics and in file names. */
    static String checkName(String name) throws SettingsException {
        if (!NAME.matcher(name).matches()) {
            throw new SettingsException(
                    "\"%s\" cannot name a destination; expected up to 32 of a-z, 0-9 and -".formatted(name));
        }
        return name;
    }

    /** Sets an option: {@code endpoint} for all signals, {@code traces-endpoint} for one. */
    void put(String option, String value) throws SettingsException {
        if (option.equals(CONCURRENCY)) {
            concurrency = value;
            return;
        }
        String general = option.replaceFirst("^(traces|metrics|logs|profiles)-", "");
        if (!OPTIONS.contains(general)) {
            throw new SettingsException(
                    "\"%s\" is no option of a destination; expected %s or %s, or one of them after traces-, metrics-, logs- or profiles-"
                            .formatted(option, CONCURRENCY, String.join(", ", OPTIONS)));
        }
        variables.put(PREFIX + option.toUpperCase(Locale.ROOT).replace('-', '_'), value);
    }

    /** Takes the exporter variables of a higher layer; blank ones count as unset. */
    public void overlay(Map<String, String> higher) {
        Map<String, String> set = new HashMap<>();
        higher.forEach((name, value) -> {
            if (name.startsWith(PREFIX) && !value.isBlank()) {
                set.put(name, value);
            }
        });
        for (String name : set.keySet()) {
            String option = name.substring(PREFIX.length());
            SIGNALS.forEach(signal -> variables.remove(PREFIX + signal + option));
        }
        variables.putAll(set);
    }

    /** Sets {@code NAME.OPTION=VALUE}, as the flag has it. */
    public static void put(Map<String, DestinationSettings> destinations, String assignment) throws SettingsException {
        String[] parts = assignment.strip().split("[.=]", 3);
        if (parts.length < 3 || assignment.indexOf('.') > assignment.indexOf('=')) {
            throw new SettingsException("--destination \"%s\": expected NAME.OPTION=VALUE".formatted(assignment));
        }
        destinations
                .computeIfAbsent(checkName(parts[0]), _ -> new DestinationSettings())
                .put(parts[1], parts[2]);
    }

    /** As {@code OTEL_EXPORTER_OTLP_*} variables. */
    public Map<String, String> variables() {
        return Map.copyOf(variables);
    }

    /** The wanted concurrency; empty where the general one counts. */
    public String concurrency() {
        return concurrency;
    }
}

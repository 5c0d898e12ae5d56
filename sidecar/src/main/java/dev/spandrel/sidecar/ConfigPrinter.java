package dev.spandrel.sidecar;

import dev.spandrel.sidecar.exporter.ExporterConfig;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.settings.DestinationSettings;
import dev.spandrel.sidecar.settings.LayeredDefaults;
import java.io.PrintStream;
import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Shows what is in effect as a file that {@code --config} would take, each line with its origin. Values of headers and
 * passwords in endpoints are masked, so the file is to be shown, not to be used unseen.
 */
final class ConfigPrinter {
    private static final String PREFIX = "OTEL_EXPORTER_OTLP_";
    private static final String MASK = "****";

    private final CommandSpec spec;
    private final LayeredDefaults defaults;

    ConfigPrinter(CommandSpec spec, LayeredDefaults defaults) {
        this.spec = spec;
        this.defaults = defaults;
    }

    void print(SidecarConfig config, Map<String, DestinationSettings> destinations, PrintStream out) {
        out.println("# in effect; flags beat variables, variables beat the file, the file beats the defaults");
        Set<String> known = ConfigFlag.knownKeys();
        for (OptionSpec option : spec.options()) {
            String key = LayeredDefaults.key(option);
            if (known.contains(key) && !key.startsWith("otlp-")) {
                out.println(key + ": " + shown(key, option, config) + "  # " + origin(option));
            }
        }
        out.println(config.destinations().isEmpty() ? "destinations: {}" : "destinations:");
        for (Destination destination : config.destinations()) {
            print(destination, destinations.get(destination.name()).variables(), out);
        }
    }

    private String origin(OptionSpec option) {
        boolean given = spec.commandLine().getParseResult().hasMatchedOption(option);
        return given ? "flag" : defaults.origin(option);
    }

    /** What the option holds, or what it came to where it was left open. */
    private static String shown(String key, OptionSpec option, SidecarConfig config) {
        return switch (key) {
            case "trace-page-token" -> option.getValue() == null ? "\"\"" : quoted(MASK);
            case "health-host" -> quoted(config.healthHost());
            case "journal-max-bytes" -> Long.toString(config.journalMaxBytes());
            case "journal-dir" ->
                quoted(config.journalFolder().map(Object::toString).orElse("memory"));
            default -> plain(option.getValue());
        };
    }

    private static String plain(Object value) {
        return switch (value) {
            case null -> "\"\"";
            case Collection<?> many ->
                many.stream().map(ConfigPrinter::quoted).collect(Collectors.joining(", ", "[", "]"));
            case Enum<?> word -> word.name().toLowerCase(Locale.ROOT);
            case String text -> quoted(text);
            default -> value.toString();
        };
    }

    private static void print(Destination destination, Map<String, String> variables, PrintStream out) {
        out.println("  " + destination.name() + ":");
        for (Map.Entry<Signal, ExporterConfig> exporter : new TreeMap<>(destination.exporters()).entrySet()) {
            out.println("    # %s go to %s"
                    .formatted(
                            exporter.getKey().word(),
                            masked("ENDPOINT", exporter.getValue().shown())));
        }
        out.println("    concurrency: " + destination.concurrency());
        new TreeMap<>(variables).forEach((name, value) -> {
            String option = name.substring(PREFIX.length());
            String key = option.toLowerCase(Locale.ROOT).replace('_', '-');
            out.println("    " + key + ": " + quoted(masked(option, value)));
        });
    }

    private static String masked(String option, String value) {
        if (option.endsWith("HEADERS")) {
            // a part without "=" may be a secret that somebody forgot to name
            return value.replaceAll("=[^,]*", "=" + MASK).replaceAll("(^|,)[^=,]+(?=,|$)", "$1" + MASK);
        }
        return option.endsWith("ENDPOINT") ? value.replaceAll("//[^/]*@", "//" + MASK + "@") : value;
    }

    private static String quoted(Object value) {
        return '"'
                + value.toString().replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n")
                + '"';
    }
}

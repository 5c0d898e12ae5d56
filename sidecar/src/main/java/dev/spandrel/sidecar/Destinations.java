package dev.spandrel.sidecar;

import dev.spandrel.sidecar.exporter.ExporterConfig;
import dev.spandrel.sidecar.exporter.InvalidConfigException;
import dev.spandrel.sidecar.exporter.OtlpEnvironment;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.settings.DestinationSettings;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Reads each destination out of its settings, by the specification's rules. */
final class Destinations {
    private Destinations() {}

    /**
     * The destinations that have an endpoint, the default one first.
     *
     * @param environment whose {@code OTEL_METRICS_EXPORTER=none} and its like keep a signal from the default one
     */
    static List<Destination> read(
            Map<String, DestinationSettings> settings,
            int concurrency,
            Map<String, String> environment,
            Consumer<String> warnings)
            throws InvalidConfigException {
        List<Destination> destinations = new ArrayList<>();
        for (Map.Entry<String, DestinationSettings> entry : settings.entrySet()) {
            String name = entry.getKey();
            boolean isDefault = name.equals(DestinationSettings.DEFAULT);
            Map<Signal, ExporterConfig> exporters = exporters(name, entry.getValue(), isDefault, warnings);
            if (isDefault) {
                exporters.keySet().removeIf(signal -> switchedOff(signal, environment));
            }
            if (exporters.isEmpty() && !isDefault) {
                throw new InvalidConfigException("the destination " + name + " has no endpoint");
            }
            if (!exporters.isEmpty()) {
                int own = concurrency(name, entry.getValue().concurrency(), concurrency);
                destinations.add(isDefault ? 0 : destinations.size(), new Destination(name, exporters, own));
            }
        }
        return destinations;
    }

    /** By the specification's selection of exporters, where {@code none} is the only word that means something here. */
    private static boolean switchedOff(Signal signal, Map<String, String> environment) {
        return environment
                .getOrDefault("OTEL_" + signal.name() + "_EXPORTER", "")
                .strip()
                .equalsIgnoreCase("none");
    }

    private static Map<Signal, ExporterConfig> exporters(
            String name, DestinationSettings settings, boolean isDefault, Consumer<String> warnings)
            throws InvalidConfigException {
        OtlpEnvironment environment = new OtlpEnvironment(settings.variables(), warnings);
        Map<Signal, ExporterConfig> exporters = new EnumMap<>(Signal.class);
        for (Signal signal : Signal.values()) {
            try {
                environment.exporter(signal).ifPresent(exporter -> exporters.put(signal, exporter));
            } catch (InvalidConfigException e) {
                throw isDefault ? e : new InvalidConfigException("destination " + name + ": " + e.getMessage());
            }
        }
        return exporters;
    }

    private static int concurrency(String name, String own, int general) throws InvalidConfigException {
        try {
            return own.isBlank() ? general : Integer.parseInt(own.strip());
        } catch (NumberFormatException e) {
            throw new InvalidConfigException(
                    "concurrency of %s is \"%s\", expected a positive number".formatted(name, own));
        }
    }
}

package dev.spandrel.sidecar;

import dev.spandrel.sidecar.exporter.ExporterConfig;
import dev.spandrel.sidecar.otlp.Signal;
import java.util.Map;

/**
 * One backend, with a checkpoint, a ledger and a pace of its own for each signal it gets.
 *
 * @param name in metrics, checkpoints and the quarantine
 * @param exporters how each signal is sent; never empty
 * @param concurrency requests under way at once for each signal
 */
record Destination(String name, Map<Signal, ExporterConfig> exporters, int concurrency) {
    Destination {
        exporters = Map.copyOf(exporters);
        if (concurrency <= 0) {
            throw new IllegalArgumentException(
                    "concurrency of %s is %d, expected a positive number".formatted(name, concurrency));
        }
    }
}

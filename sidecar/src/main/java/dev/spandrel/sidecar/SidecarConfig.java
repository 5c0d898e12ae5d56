package dev.spandrel.sidecar;

import dev.spandrel.sidecar.journal.JournalSettings;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.transform.Transform;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Everything a sidecar is told. Port 0 means any free port.
 *
 * @param ownSpans whether each settled batch makes a span of the sidecar's own
 * @param page the trace page, where there is to be one
 * @param destinations where telemetry goes; a signal that goes nowhere is kept in memory, oldest out first
 * @param transform what is done to a request before it is kept
 * @param journalFolder empty keeps everything in memory
 * @param journalMaxBytes of all journals together
 * @param drainTimeout how long a stop may take to hand over what is queued
 */
record SidecarConfig(
        String host,
        int grpcPort,
        int httpPort,
        String healthHost,
        int healthPort,
        boolean printTraces,
        boolean ownSpans,
        Optional<PageConfig> page,
        List<Destination> destinations,
        Transform transform,
        int maxRequestBytes,
        Optional<Path> journalFolder,
        JournalSettings journalSettings,
        long journalMaxBytes,
        long quarantineMaxBytes,
        int batchMaxBytes,
        Duration batchMaxAge,
        Duration drainTimeout) {
    /** Below it not even the requests of small senders would find room. */
    private static final long LEAST_JOURNAL_BYTES = 64 << 10;

    SidecarConfig {
        destinations = List.copyOf(destinations);
        requirePort("grpc", grpcPort);
        requirePort("http", httpPort);
        requirePort("health", healthPort);
        requirePositive("max-request-bytes", maxRequestBytes);
        requirePositive("batch-max-bytes", batchMaxBytes);
        requireAtLeast("journal-max-bytes", journalMaxBytes, LEAST_JOURNAL_BYTES);
        requireAtLeast("quarantine-max-bytes", quarantineMaxBytes, 0);
        requireAtLeast("batch-max-age", batchMaxAge.toMillis(), 0);
        requireAtLeast("drain-timeout", drainTimeout.toMillis(), 0);
    }

    /** Whether a signal goes anywhere. */
    boolean delivers(Signal signal) {
        return destinations.stream()
                .anyMatch(destination -> destination.exporters().containsKey(signal));
    }

    private static void requirePort(String name, int port) {
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("%s port is %d, expected 0 to 65535".formatted(name, port));
        }
    }

    private static void requireAtLeast(String name, long value, long least) {
        if (value < least) {
            throw new IllegalArgumentException("%s is %d, expected at least %d".formatted(name, value, least));
        }
    }

    private static void requirePositive(String name, long value) {
        if (value <= 0) {
            throw new IllegalArgumentException("%s is %d, expected a positive number".formatted(name, value));
        }
    }
}

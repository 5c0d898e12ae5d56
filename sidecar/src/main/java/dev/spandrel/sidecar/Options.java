package dev.spandrel.sidecar;

import dev.spandrel.sidecar.exporter.ExporterConfig;
import dev.spandrel.sidecar.journal.JournalSettings;
import dev.spandrel.sidecar.journal.Sync;
import dev.spandrel.sidecar.otlp.Signal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The flags. Those that have an {@code OTEL_EXPORTER_OTLP_*} variable are laid over the environment. */
final class Options {
    private static final String PREFIX = "OTEL_EXPORTER_OTLP_";
    private static final long DEFAULT_JOURNAL_BYTES = 1L << 30;

    @Option(
            names = "--host",
            paramLabel = "ADDRESS",
            defaultValue = "127.0.0.1",
            description = "Address the OTLP receivers listen on (${DEFAULT-VALUE}).")
    private String host;

    @Option(
            names = "--grpc-port",
            paramLabel = "PORT",
            defaultValue = "4317",
            description = "OTLP/gRPC port (${DEFAULT-VALUE}; 0 = any free one).")
    private int grpcPort;

    @Option(
            names = "--http-port",
            paramLabel = "PORT",
            defaultValue = "4318",
            description = "OTLP/HTTP port (${DEFAULT-VALUE}; 0 = any free one).")
    private int httpPort;

    @Option(
            names = "--health-host",
            paramLabel = "ADDRESS",
            description = "Address of /live, /ready and /metrics (as --host).")
    private String healthHost;

    @Option(
            names = "--health-port",
            paramLabel = "PORT",
            defaultValue = "13133",
            description = "Port of /live, /ready and /metrics (${DEFAULT-VALUE}; 0 = any free one).")
    private int healthPort;

    @Option(names = "--otlp-endpoint", paramLabel = "ENDPOINT", description = "Where telemetry goes, for all signals.")
    private String endpoint;

    @Option(names = "--otlp-traces-endpoint", paramLabel = "ENDPOINT", description = "Where traces go.")
    private String tracesEndpoint;

    @Option(names = "--otlp-metrics-endpoint", paramLabel = "ENDPOINT", description = "Where metrics go.")
    private String metricsEndpoint;

    @Option(names = "--otlp-logs-endpoint", paramLabel = "ENDPOINT", description = "Where logs go.")
    private String logsEndpoint;

    @Option(
            names = "--otlp-protocol",
            paramLabel = "PROTOCOL",
            description = "grpc, http/protobuf, http/json or auto, for all signals.")
    private String protocol;

    @Option(names = "--otlp-headers", paramLabel = "HEADERS", description = "name=value,name=value, for all signals.")
    private String headers;

    @Option(
            names = "--otlp-insecure",
            paramLabel = "BOOL",
            arity = "0..1",
            fallbackValue = "true",
            description = "false makes grpc://h:p and h:p TLS, for all signals.")
    private String insecure;

    @Option(names = "--otlp-compression", paramLabel = "NAME", description = "none or gzip, for all signals.")
    private String compression;

    @Option(names = "--otlp-timeout", paramLabel = "MS", description = "Longest wait for one answer, for all signals.")
    private String timeout;

    @Option(names = "--print-traces", description = "Prints each trace to stdout as an indented tree once it is quiet.")
    private boolean printTraces;

    @Option(
            names = "--max-request-bytes",
            paramLabel = "BYTES",
            defaultValue = "67108864",
            description = "Largest request, before and after decompression (${DEFAULT-VALUE}).")
    private int maxRequestBytes;

    @Option(
            names = "--journal-dir",
            paramLabel = "DIR",
            description = "Folder of the journal; \"memory\" keeps nothing on disk"
                    + " ($XDG_STATE_HOME/spandrel/sidecar or ~/.local/state/spandrel/sidecar).")
    private String journalDir;

    @Option(
            names = "--journal-sync",
            paramLabel = "MODE",
            defaultValue = "group",
            description = "When a request counts as kept: none (given to the system), group (forced, together with"
                    + " others), each (forced alone) (${DEFAULT-VALUE}).")
    private Sync journalSync;

    @Option(
            names = "--journal-sync-window",
            paramLabel = "MS",
            defaultValue = "1",
            description = "How long a force waits for company, 0 to 5 (${DEFAULT-VALUE}).")
    private long journalSyncWindow;

    @Option(
            names = "--journal-max-bytes",
            paramLabel = "BYTES",
            description = "Bytes kept before requests are refused (1 GiB; in memory at most half of the heap).")
    private Long journalMaxBytes;

    @Option(
            names = "--quarantine-max-bytes",
            paramLabel = "BYTES",
            defaultValue = "67108864",
            description = "Bytes of undeliverable telemetry kept before a destination is held (${DEFAULT-VALUE}).")
    private long quarantineMaxBytes;

    @Option(
            names = "--batch-max-bytes",
            paramLabel = "BYTES",
            defaultValue = "4000000",
            description = "Largest request sent (${DEFAULT-VALUE}, below the usual gRPC limit of 4 MiB).")
    private int batchMaxBytes;

    @Option(
            names = "--batch-max-age",
            paramLabel = "MS",
            defaultValue = "200",
            description = "Longest wait for a batch to fill (${DEFAULT-VALUE}).")
    private long batchMaxAge;

    @Option(
            names = "--concurrency",
            paramLabel = "N",
            defaultValue = "1",
            description =
                    "Requests under way to a destination at once; more than 1 gives up their order (${DEFAULT-VALUE}).")
    private int concurrency;

    @Option(
            names = "--drain-timeout",
            paramLabel = "MS",
            defaultValue = "10000",
            description = "How long a stop may take to hand over what is queued (${DEFAULT-VALUE}).")
    private long drainTimeout;

    /** The environment with the flags laid over it: a flag also removes what a signal's own variable says. */
    Map<String, String> over(Map<String, String> environment) {
        Map<String, String> merged = new HashMap<>(environment);
        general(merged, "ENDPOINT", endpoint);
        general(merged, "PROTOCOL", protocol);
        general(merged, "HEADERS", headers);
        general(merged, "INSECURE", insecure);
        general(merged, "COMPRESSION", compression);
        general(merged, "TIMEOUT", timeout);
        own(merged, Signal.TRACES, tracesEndpoint);
        own(merged, Signal.METRICS, metricsEndpoint);
        own(merged, Signal.LOGS, logsEndpoint);
        return merged;
    }

    private static void general(Map<String, String> variables, String option, String value) {
        if (value != null) {
            for (Signal signal : Signal.values()) {
                variables.remove(PREFIX + signal.name() + "_" + option);
            }
            variables.put(PREFIX + option, value);
        }
    }

    private static void own(Map<String, String> variables, Signal signal, String value) {
        if (value != null) {
            variables.put(PREFIX + signal.name() + "_ENDPOINT", value);
        }
    }

    SidecarConfig config(Map<Signal, ExporterConfig> exporters, Map<String, String> environment) {
        Optional<Path> journalFolder = journalFolder(journalDir, environment);
        boolean onDisk = journalFolder.isPresent() && !exporters.isEmpty();
        long bytes = journalMaxBytes != null ? journalMaxBytes : defaultJournalBytes(onDisk);
        return new SidecarConfig(
                host,
                grpcPort,
                httpPort,
                healthHost == null ? host : healthHost,
                healthPort,
                printTraces,
                exporters,
                maxRequestBytes,
                journalFolder,
                new JournalSettings(journalSync, Duration.ofMillis(journalSyncWindow), segmentBytes(bytes)),
                bytes,
                quarantineMaxBytes,
                batchMaxBytes,
                Duration.ofMillis(batchMaxAge),
                concurrency,
                Duration.ofMillis(drainTimeout));
    }

    /** The folder a flag names, or the one of this user; empty for a journal in memory. */
    static Optional<Path> journalFolder(String flag, Map<String, String> environment) {
        if (flag != null) {
            return flag.equals("memory") ? Optional.empty() : Optional.of(Path.of(flag));
        }
        String state = environment.getOrDefault("XDG_STATE_HOME", "");
        Path base = state.isEmpty() ? Path.of(System.getProperty("user.home"), ".local", "state") : Path.of(state);
        return Optional.of(base.resolve("spandrel").resolve("sidecar"));
    }

    private static long defaultJournalBytes(boolean onDisk) {
        return onDisk
                ? DEFAULT_JOURNAL_BYTES
                : Math.min(DEFAULT_JOURNAL_BYTES, Runtime.getRuntime().maxMemory() / 2);
    }

    /** Space comes back segment by segment, so there are at least 32 of them; larger than 16 MiB brings nothing. */
    private static long segmentBytes(long journalBytes) {
        return Math.clamp(journalBytes / 32, 4096, 16 << 20);
    }
}

package dev.spandrel.sidecar;

import dev.spandrel.sidecar.exporter.InvalidConfigException;
import dev.spandrel.sidecar.journal.JournalSettings;
import dev.spandrel.sidecar.journal.Sync;
import dev.spandrel.sidecar.settings.DestinationSettings;
import dev.spandrel.sidecar.settings.SettingsException;
import dev.spandrel.sidecar.settings.SettingsFile;
import dev.spandrel.sidecar.transform.Transform;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import picocli.CommandLine.Mixin;
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

    @Option(
            names = "--destination",
            paramLabel = "NAME.OPTION=VALUE",
            split = "\n",
            description = "One more destination, such as archive.endpoint=grpcs://h:4317; the options are those of"
                    + " --otlp-..., and certificate, client-key, client-certificate, concurrency. Repeatable.")
    private List<String> destinations = new ArrayList<>();

    @Mixin
    private final RewritingOptions rewriting = new RewritingOptions();

    @Option(
            names = "--print-traces",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = "BOOL",
            description = "Prints each trace to stdout as an indented tree once it is quiet.")
    private boolean printTraces;

    @Mixin
    private final PageOptions page = new PageOptions();

    @Option(
            names = "--own-spans",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = "BOOL",
            description = "Adds a span of its own to the traces for each batch delivered (off).")
    private boolean ownSpans;

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
                    "Requests under way to a destination at once, for each signal; more than 1 gives up their order (${DEFAULT-VALUE}).")
    private int concurrency;

    @Option(
            names = "--drain-timeout",
            paramLabel = "MS",
            defaultValue = "10000",
            description = "How long a stop may take to hand over what is queued (${DEFAULT-VALUE}).")
    private long drainTimeout;

    /** Everything told, by whatever way; {@code warnings} takes a line for each value that was ignored. */
    SidecarConfig config(Map<String, String> environment, SettingsFile file, Consumer<String> warnings)
            throws InvalidConfigException, SettingsException {
        List<Destination> found =
                Destinations.read(destinations(environment, file), concurrency, environment, warnings);
        return config(found, environment, rewriting.transform(environment, warnings));
    }

    /** The settings of every destination, its layers laid over one another. */
    Map<String, DestinationSettings> destinations(Map<String, String> environment, SettingsFile file)
            throws SettingsException {
        Map<String, DestinationSettings> all = new LinkedHashMap<>(file.destinations());
        DestinationSettings unnamed = all.computeIfAbsent(DestinationSettings.DEFAULT, _ -> new DestinationSettings());
        unnamed.overlay(environment);
        unnamed.overlay(exporterFlags());
        for (String assignment : destinations) {
            DestinationSettings.put(all, assignment);
        }
        return all;
    }

    private Map<String, String> exporterFlags() {
        Map<String, String> variables = new HashMap<>();
        put(variables, "ENDPOINT", endpoint);
        put(variables, "PROTOCOL", protocol);
        put(variables, "HEADERS", headers);
        put(variables, "INSECURE", insecure);
        put(variables, "COMPRESSION", compression);
        put(variables, "TIMEOUT", timeout);
        put(variables, "TRACES_ENDPOINT", tracesEndpoint);
        put(variables, "METRICS_ENDPOINT", metricsEndpoint);
        put(variables, "LOGS_ENDPOINT", logsEndpoint);
        return variables;
    }

    private static void put(Map<String, String> variables, String option, String value) {
        if (value != null) {
            variables.put(PREFIX + option, value);
        }
    }

    private SidecarConfig config(List<Destination> found, Map<String, String> environment, Transform transform) {
        Optional<Path> journalFolder = journalFolder(journalDir, environment);
        boolean onDisk = journalFolder.isPresent() && !found.isEmpty();
        long bytes = journalMaxBytes != null ? journalMaxBytes : defaultJournalBytes(onDisk, page.heapBytes());
        return new SidecarConfig(
                host,
                grpcPort,
                httpPort,
                healthHost == null ? host : healthHost,
                healthPort,
                printTraces,
                ownSpans,
                page.config(),
                found,
                transform,
                maxRequestBytes,
                journalFolder,
                new JournalSettings(journalSync, Duration.ofMillis(journalSyncWindow), segmentBytes(bytes)),
                bytes,
                quarantineMaxBytes,
                batchMaxBytes,
                Duration.ofMillis(batchMaxAge),
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

    private static long defaultJournalBytes(boolean onDisk, long otherHeapBytes) {
        return onDisk
                ? DEFAULT_JOURNAL_BYTES
                : Math.min(DEFAULT_JOURNAL_BYTES, (Runtime.getRuntime().maxMemory() - otherHeapBytes) / 2);
    }

    /** Space comes back segment by segment, so there are at least 32 of them; larger than 16 MiB brings nothing. */
    private static long segmentBytes(long journalBytes) {
        return Math.clamp(journalBytes / 32, 4096, 16 << 20);
    }
}

package dev.spandrel.sidecar;

import dev.spandrel.sidecar.exporter.ExporterConfig;
import dev.spandrel.sidecar.exporter.InvalidConfigException;
import dev.spandrel.sidecar.exporter.OtlpEnvironment;
import dev.spandrel.sidecar.otlp.Signal;
import java.io.PrintWriter;
import java.lang.System.Logger.Level;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** The command line: reads settings, starts the sidecar, waits for the signal to stop. The only place that exits. */
@Command(
        name = "spandrel sidecar",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        sortOptions = false,
        description = "Takes OTLP telemetry on loopback, keeps it, and hands it to any OTLP backend.",
        footerHeading =
                "%nWhere telemetry goes is read from the standard variables, the signal's own before the general:%n",
        footer = {
            "  OTEL_EXPORTER_OTLP_[TRACES_|METRICS_|LOGS_]ENDPOINT   grpc://h:p and h:p plaintext, grpcs:// and https:// TLS",
            "  OTEL_EXPORTER_OTLP_[...]PROTOCOL      grpc (default), http/protobuf, http/json, auto (ours)",
            "  OTEL_EXPORTER_OTLP_[...]INSECURE      false makes grpc://h:p and h:p TLS",
            "  OTEL_EXPORTER_OTLP_[...]HEADERS       name=value,name=value",
            "  OTEL_EXPORTER_OTLP_[...]COMPRESSION   none (default), gzip",
            "  OTEL_EXPORTER_OTLP_[...]CERTIFICATE, CLIENT_KEY, CLIENT_CERTIFICATE   PEM files for TLS",
            "  OTEL_EXPORTER_OTLP_[...]TIMEOUT       milliseconds for one answer, 10000",
            "A flag beats a variable. Without an endpoint telemetry is kept in memory, the oldest goes first;",
            "with one it is on disk in the journal folder before the sender is told yes.",
            "Exit codes: 0 stopped, 1 a port or folder cannot be had, 2 settings that cannot be meant."
        })
public final class Main implements Callable<Integer> {
    @Mixin
    private final Options options = new Options();

    /** The build's version. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {"spandrel-sidecar " + (version == null ? "dev" : version)};
        }
    }

    public static void main(String[] args) {
        LogFormat.install();
        int exit = new CommandLine(new Main())
                .addSubcommand(new QuarantineCommand(System.out))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler(Main::usageError)
                .execute(args);
        System.exit(exit);
    }

    private static int usageError(CommandLine.ParameterException e, String[] args) {
        PrintWriter err = e.getCommandLine().getErr();
        err.println("spandrel-sidecar: " + e.getMessage() + " (--help shows the flags)");
        err.flush();
        return StartException.USAGE;
    }

    @Override
    public Integer call() throws InterruptedException {
        try {
            Sidecar sidecar = Sidecar.start(config(System.getenv()), System.out);
            stopOnSignal(sidecar);
            System.out.println(sidecar.readyLine());
            System.out.flush();
            new CountDownLatch(1).await();
            return 0;
        } catch (StartException e) {
            return failed(e.exitCode(), e.getMessage());
        } catch (InvalidConfigException | IllegalArgumentException e) {
            return failed(StartException.USAGE, e.getMessage());
        }
    }

    private static int failed(int exitCode, String message) {
        System.err.println("spandrel-sidecar: " + message);
        return exitCode;
    }

    private SidecarConfig config(Map<String, String> environment) throws InvalidConfigException {
        System.Logger log = System.getLogger(Main.class.getName());
        OtlpEnvironment variables =
                new OtlpEnvironment(options.over(environment), warning -> log.log(Level.WARNING, warning));
        Map<Signal, ExporterConfig> exporters = new EnumMap<>(Signal.class);
        for (Signal signal : Signal.values()) {
            variables.exporter(signal).ifPresent(exporter -> exporters.put(signal, exporter));
        }
        return options.config(exporters, environment);
    }

    /**
     * On SIGTERM and SIGINT the JVM runs this hook and would then exit with 143 or 130; halting from inside it makes the
     * exit code the 0 that a stop in good order deserves.
     */
    private static void stopOnSignal(Sidecar sidecar) {
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            sidecar.close();
                            System.out.flush();
                            Runtime.getRuntime().halt(0);
                        },
                        "stop"));
    }
}

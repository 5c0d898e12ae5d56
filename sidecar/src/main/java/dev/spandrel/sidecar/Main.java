package dev.spandrel.sidecar;

import dev.spandrel.sidecar.exporter.InvalidConfigException;
import dev.spandrel.sidecar.settings.LayeredDefaults;
import dev.spandrel.sidecar.settings.SettingsException;
import dev.spandrel.sidecar.settings.SettingsFile;
import dev.spandrel.sidecar.transport.EventLoops;
import java.io.PrintWriter;
import java.lang.System.Logger.Level;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

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
            "  OTEL_[TRACES_|METRICS_|LOGS_]EXPORTER   none keeps that signal from the backend; it is held in memory, oldest out first",
            "Every other flag has a variable too: SPANDREL_SIDECAR_JOURNAL_DIR for --journal-dir. A flag beats a variable,",
            "a variable beats the file of --config. Without an endpoint telemetry is kept in memory, the oldest goes first;",
            "with one it is on disk in the journal folder before the sender is told yes.",
            "Exit codes: 0 stopped, 1 a port or folder cannot be had, 2 settings that cannot be meant."
        })
public final class Main implements Callable<Integer> {
    @Mixin
    private final Options options = new Options();

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "YAML file with the flags' names as keys, and destinations; flags and variables beat it.")
    private String configFile;

    @Option(names = "--print-config", description = "Prints what is in effect and where it comes from, and stops.")
    private boolean printConfig;

    @Spec
    private CommandSpec spec;

    private final LayeredDefaults defaults;
    private final SettingsFile file;

    private Main(SettingsFile file) {
        this.file = file;
        this.defaults = new LayeredDefaults(System.getenv(), file);
    }

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
        // the transports take longer to load than the command line takes to read: with two cores both at once
        Thread.ofPlatform().daemon().name("preload").start(EventLoops::preload);
        try {
            System.exit(commandLine(ConfigFlag.read(args, System.getenv())).execute(args));
        } catch (SettingsException e) {
            System.exit(failed(StartException.USAGE, e.getMessage()));
        }
    }

    private static CommandLine commandLine(SettingsFile file) {
        Main main = new Main(file);
        return new CommandLine(main)
                .addSubcommand(new QuarantineCommand(System.out))
                .addSubcommand(new TrainCommand())
                .setDefaultValueProvider(main.defaults)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler(Main::usageError);
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
            System.Logger log = System.getLogger(Main.class.getName());
            // Every signal reads the same settings and would tell of the same mistake.
            Set<String> warnings = new LinkedHashSet<>();
            SidecarConfig config = options.config(System.getenv(), file, warnings::add);
            warnings.forEach(warning -> log.log(Level.WARNING, warning));
            if (printConfig) {
                new ConfigPrinter(spec, defaults)
                        .print(config, options.destinations(System.getenv(), file), System.out);
                return 0;
            }
            Sidecar sidecar = Sidecar.start(config, System.out);
            stopOnSignal(sidecar);
            System.out.println(sidecar.readyLine());
            System.out.flush();
            new CountDownLatch(1).await();
            return 0;
        } catch (StartException e) {
            return failed(e.exitCode(), e.getMessage());
        } catch (InvalidConfigException | SettingsException | IllegalArgumentException e) {
            return failed(StartException.USAGE, e.getMessage());
        }
    }

    private static int failed(int exitCode, String message) {
        System.err.println("spandrel-sidecar: " + message);
        return exitCode;
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

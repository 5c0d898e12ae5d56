package dev.spandrel.server;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineException;
import dev.spandrel.server.client.ClientCommand;
import dev.spandrel.server.client.ClientException;
import dev.spandrel.server.doctor.DoctorCommand;
import dev.spandrel.server.telemetry.TelemetryConfigException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The command line: {@code serve}, {@code client} and {@code doctor}. Exit codes: 0 for a clean end, SIGTERM and SIGINT included; 1 for
 * what could not be done; 2 for a flag or variable that cannot be followed. Errors are one message on stderr.
 */
@Command(
        name = "spandrel",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        usageHelpAutoWidth = true,
        synopsisSubcommandLabel = "serve|client|doctor",
        description = "An OpenAI-compatible inference server whose every token can be explained.")
public final class Main implements Runnable {
    @Spec
    private CommandSpec spec;

    /** Runs a command and ends the process with its exit code. */
    public static void main(String[] args) {
        Logging.configure();
        System.exit(run(commandLine(Main::endCleanlyOnSignal), args));
    }

    /** The command line, with what to do with a started server. */
    static CommandLine commandLine(java.util.function.Consumer<SpandrelServer> onStarted) {
        CommandLine line = new CommandLine(new Main());
        line.addSubcommand(new ServeCommand(onStarted));
        line.addSubcommand(new ClientCommand());
        line.addSubcommand(new DoctorCommand(Engine::open));
        line.setParameterExceptionHandler((e, _) -> usageError(e));
        line.setExecutionExceptionHandler((e, command, _) -> failure(e, command));
        return line;
    }

    /** Runs a command, with the flags of its {@code --config} file where it names one, and says its exit code. */
    static int run(CommandLine line, String... args) {
        String[] expanded;
        try {
            expanded = ConfigFile.expand(line, args);
        } catch (ParameterException e) {
            return usageError(e);
        }
        return line.execute(expanded);
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "missing command: serve, client or doctor");
    }

    private static int usageError(ParameterException e) {
        CommandLine command = e.getCommandLine();
        int exitCode = say(command, e, CommandLine.ExitCode.USAGE);
        command.getErr().println("Try: " + command.getCommandSpec().qualifiedName() + " --help");
        return exitCode;
    }

    private static int failure(Exception e, CommandLine command) throws Exception {
        return switch (e) {
            case TelemetryConfigException config -> say(command, config, CommandLine.ExitCode.USAGE);
            case EngineException.ModelLoad load -> say(command, load, CommandLine.ExitCode.SOFTWARE);
            case StartException start -> say(command, start, CommandLine.ExitCode.SOFTWARE);
            case ClientException client -> say(command, client, CommandLine.ExitCode.SOFTWARE);
            default -> throw e;
        };
    }

    /** Errors begin with the command that they are of, such as {@code spandrel doctor}. */
    private static int say(CommandLine command, Exception e, int exitCode) {
        command.getErr().println(command.getCommandSpec().qualifiedName() + ": " + e.getMessage());
        return exitCode;
    }

    /**
     * The JVM would end with 143 after SIGTERM; an orderly stop is a success, so the hook itself ends the process once
     * all is closed.
     */
    private static void endCleanlyOnSignal(SpandrelServer server) {
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().name("stop").unstarted(() -> {
            server.close();
            Runtime.getRuntime().halt(0);
        }));
    }

    /** The version in the jar's manifest, or {@code dev} where classes are run from a folder. */
    static String version() {
        String version = Main.class.getPackage().getImplementationVersion();
        return version == null ? "dev" : version;
    }

    /** Answers {@code --version}. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"spandrel-server " + version()};
        }
    }
}

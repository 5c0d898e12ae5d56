package dev.spandrel.server.process;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;

/** A call of {@code ./spandrel} to be started, in an environment that holds no telemetry settings but those given. */
final class Launcher {
    /** The repository: these tests run in the folder of their module. */
    static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    private static final Set<String> JVM_VARIABLES = Set.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS");

    private final List<String> command = new ArrayList<>(List.of("./spandrel"));
    private final Map<String, String> variables = new TreeMap<>();

    private Launcher(List<String> arguments) {
        command.addAll(arguments);
        variables.put("SPANDREL_NO_BUILD", "1");
        variables.put("SPANDREL_JAVA_HOME", System.getProperty("java.home"));
    }

    /** The server with the bundled model on a free port. */
    static Launcher serve(String... flags) {
        return spandrel("serve", "--model", "spandrel-tiny", "--port", "0").and(flags);
    }

    /** The sidecar on free ports. */
    static Launcher sidecar(String... flags) {
        // A journal of its own: the user's holds what other runs could not deliver.
        String journal = Path.of("target", "journals", UUID.randomUUID().toString())
                .toAbsolutePath()
                .toString();
        return spandrel("sidecar", "--grpc-port", "0", "--http-port", "0", "--health-port", "0")
                .and("--journal-dir", journal)
                .and(flags);
    }

    static Launcher spandrel(String... arguments) {
        return new Launcher(List.of(arguments));
    }

    /** The server's jar by a JVM without the launcher's flags, and so without the Vector API. */
    static Launcher plainJvm(String... arguments) {
        Launcher launcher = new Launcher(List.of(arguments));
        launcher.command.removeFirst();
        launcher.command.addAll(
                0,
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow",
                        "-Dspandrel.models=" + ROOT.resolve("models"),
                        "-jar",
                        ROOT.resolve("server/target/spandrel-server.jar").toString()));
        return launcher;
    }

    Launcher and(String... arguments) {
        command.addAll(List.of(arguments));
        return this;
    }

    Launcher with(String variable, String value) {
        variables.put(variable, value);
        return this;
    }

    Launcher with(Map<String, String> more) {
        variables.putAll(more);
        return this;
    }

    LaunchedProcess start() throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).directory(ROOT.toFile());
        builder.environment()
                .keySet()
                .removeIf(name ->
                        name.startsWith("OTEL_") || name.startsWith("SPANDREL_") || JVM_VARIABLES.contains(name));
        builder.environment().putAll(variables);
        return new LaunchedProcess(String.join(" ", command), builder.start());
    }
}

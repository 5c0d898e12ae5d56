package dev.spandrel.server.doctor;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.server.doctor.Finding.Level;
import dev.spandrel.server.telemetry.OtlpSettings;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code doctor}: what a server would find on this machine. Exit code 1 when something is wrong, else 0. */
@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true,
        description =
                "Looks at JDK, machine, container limits, backends, model, port and telemetry endpoint, and says what"
                        + " is wrong. Exit code 0: nothing; 1: something.")
public final class DoctorCommand implements Callable<Integer> {
    private final Function<EngineConfig, Engine> engines;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--model",
            defaultValue = "spandrel-tiny",
            paramLabel = "MODEL",
            description = "Folder, GGUF file, or the name of either under --models. Default: ${DEFAULT-VALUE}.")
    private String model;

    @Option(
            names = "--models",
            paramLabel = "DIR",
            description = "Where model names are looked up. Default: system property spandrel.models, else ./models.")
    private Path models;

    @Option(names = "--host", paramLabel = "HOST", description = "Address to listen on. Default: all.")
    private String host;

    @Option(names = "--port", defaultValue = "8000", paramLabel = "PORT", description = "Default: ${DEFAULT-VALUE}.")
    private int port;

    @Option(names = "--otlp-traces-endpoint", paramLabel = "URL", description = "Where traces go; as serve takes it.")
    private String endpoint;

    /** @param engines opens an engine, {@code Engine::open} outside tests */
    public DoctorCommand(Function<EngineConfig, Engine> engines) {
        this.engines = engines;
    }

    @Override
    public Integer call() {
        if (port < 0 || port > NetworkChecks.MAX_PORT) {
            throw new ParameterException(
                    spec.commandLine(), "--port must be between 0 and " + NetworkChecks.MAX_PORT + ", found " + port);
        }
        Path folder = models == null ? Path.of(System.getProperty("spandrel.models", "models")) : models;
        List<Finding> findings = new ArrayList<>(new MachineChecks(Path.of("/")).all(Engine.checkBackends()));
        findings.add(KernelChecks.finding(Engine.kernelRates()));
        findings.addAll(new ModelChecks(folder, engines).all(model));
        findings.add(NetworkChecks.port(host, port));
        findings.add(NetworkChecks.telemetry(endpoint, OtlpSettings::processEnvironment));
        PrintWriter out = spec.commandLine().getOut();
        findings.forEach(finding -> out.println(finding.text()));
        long wrong = findings.stream()
                .filter(finding -> finding.level() == Level.WRONG)
                .count();
        out.println(wrong == 0 ? "Nothing is wrong." : wrong + " wrong.");
        out.flush();
        return wrong == 0 ? 0 : 1;
    }
}

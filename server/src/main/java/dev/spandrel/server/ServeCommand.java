package dev.spandrel.server;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.server.telemetry.OtlpSettings;
import dev.spandrel.server.telemetry.TraceSettings;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code serve}: flags with vLLM's names where vLLM has the flag; blocks until the server has stopped. */
@Command(
        name = "serve",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true,
        description = "Serves one model over the OpenAI API (POST /v1/completions, /v1/chat/completions).",
        footer = {
            "",
            "Environment:",
            "  SPANDREL_API_KEY, VLLM_API_KEY   the key that lets in, where no flag names one",
            "  VLLM_MAX_N_SEQUENCES             most choices per prompt (n). Default: 16384",
            "",
            "Environment (standard OpenTelemetry variables; a flag beats a variable):",
            "  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT   where traces go; turns tracing on",
            "  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, OTEL_EXPORTER_OTLP_PROTOCOL   grpc (default) or http/protobuf",
            "  OTEL_EXPORTER_OTLP_TRACES_INSECURE   false = TLS for host:port and grpc://host:port",
            "  OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT   true = prompts and answers on llm_request",
            "  OTEL_PROPAGATORS   tracecontext,baggage (default), b3, b3multi, jaeger",
            "  OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_BSP_*   as specified",
            "",
            "Example:",
            "  serve --model spandrel-tiny --otlp-traces-endpoint grpc://127.0.0.1:4317"
        })
final class ServeCommand implements Callable<Integer> {
    private final Consumer<SpandrelServer> onStarted;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "YAML with names of flags as keys; flags of the command line go before it.")
    private String config;

    @Mixin
    private ModelOptions model;

    @Mixin
    private ApiOptions api;

    @Option(names = "--host", paramLabel = "HOST", description = "Address to listen on. Default: all.")
    private String host;

    @Option(
            names = "--port",
            defaultValue = "8000",
            paramLabel = "PORT",
            description = "Default: ${DEFAULT-VALUE}; 0 = any free one.")
    private int port;

    @Mixin
    private ListenerOptions listener;

    @Mixin
    private SchedulerOptions scheduler;

    @Mixin
    private BackendOptions backend;

    @Mixin
    private TraceOptions traces;

    @Option(
            names = "--shutdown-timeout",
            defaultValue = "0",
            paramLabel = "SECONDS",
            description = "How long running requests may go on after SIGTERM. Default: ${DEFAULT-VALUE} = aborted.")
    private long shutdownTimeout;

    @Option(
            names = "--write-timeout",
            defaultValue = "30",
            paramLabel = "SECONDS",
            description = "How long a client may leave its answer unread. Default: ${DEFAULT-VALUE}.")
    private long writeTimeout;

    /**
     * A command that tells of the running server.
     *
     * @param onStarted told once the server listens, before the ready line
     */
    ServeCommand(Consumer<SpandrelServer> onStarted) {
        this.onStarted = onStarted;
    }

    @Override
    public Integer call() throws InterruptedException {
        try (SpandrelServer server = SpandrelServer.start(config(), Engine::open)) {
            onStarted.accept(server);
            spec.commandLine().getOut().println(server.readyLine());
            spec.commandLine().getOut().flush();
            server.awaitStop();
        }
        return 0;
    }

    /** The flags, checked. */
    ServerConfig config() {
        OtlpSettings otlp = OtlpSettings.resolve(traces.endpoint, OtlpSettings::processEnvironment);
        try {
            TraceSettings tracing = traces.settings(OtlpSettings::processEnvironment);
            if (traces.wantsTraces() && otlp.unnamed()) {
                throw new IllegalArgumentException("--collect-detailed-traces needs --otlp-traces-endpoint");
            }
            return new ServerConfig(
                    engine(),
                    api.settings(OtlpSettings::processEnvironment),
                    host,
                    port,
                    otlp,
                    !traces.noHttpSpans,
                    tracing,
                    traces.kvCacheMetricsSample(),
                    listener.settings(OtlpSettings::processEnvironment),
                    Duration.ofSeconds(shutdownTimeout),
                    Duration.ofSeconds(writeTimeout),
                    Main.version());
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private EngineConfig engine() {
        return backend.into(scheduler.into(model.engine())).build();
    }
}

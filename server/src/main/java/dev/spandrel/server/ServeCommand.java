package dev.spandrel.server;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.NgramSpeculation;
import dev.spandrel.engine.Pooling;
import dev.spandrel.server.openai.tools.ToolCallFamily;
import dev.spandrel.server.telemetry.OtlpSettings;
import dev.spandrel.server.telemetry.TraceSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

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
    private static final String MODELS_PROPERTY = "spandrel.models";

    private final Consumer<SpandrelServer> onStarted;

    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", arity = "0..1", paramLabel = "MODEL", description = "Same as --model.")
    private String positionalModel;

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = {
                "Folder in Hugging Face layout, GGUF file, name of either under --models, or Hub id:",
                "owner/name, owner/name@REVISION, owner/name:Q4_K_M for one of several GGUF files."
            })
    private String model;

    @Option(
            names = "--models",
            paramLabel = "DIR",
            description = "Where model names are looked up. Default: system property spandrel.models, else ./models.")
    private Path models;

    @Option(
            names = "--load-format",
            defaultValue = "auto",
            paramLabel = "NAME",
            description =
                    "auto (safetensors, else pt, else gguf), safetensors, pt, gguf, or dummy: random weights of the"
                            + " shapes that config.json asks for. Default: ${DEFAULT-VALUE}.")
    private String loadFormat;

    @Option(
            names = "--revision",
            defaultValue = "",
            paramLabel = "NAME",
            description = "Branch, tag or commit of a model on the Hub. Default: main.")
    private String revision;

    @Option(
            names = "--download-dir",
            paramLabel = "DIR",
            description = "Where models from the Hub are kept. Default: HF_HUB_CACHE, else hub in HF_HOME.")
    private Path downloadDir;

    @Option(
            names = "--tokenizer",
            defaultValue = "",
            paramLabel = "MODEL",
            description = "Take tokenizer and chat template from another folder, GGUF file or Hub id."
                    + " Default: the model's own.")
    private String tokenizer;

    @Option(
            names = "--served-model-name",
            arity = "1..*",
            split = ",",
            paramLabel = "NAME",
            description = "Names clients may use; the first is used in answers. Default: the model's folder name.")
    private List<String> servedModelNames = new ArrayList<>();

    @Option(names = "--host", paramLabel = "HOST", description = "Address to listen on. Default: all.")
    private String host;

    @Option(
            names = "--port",
            defaultValue = "8000",
            paramLabel = "PORT",
            description = "Default: ${DEFAULT-VALUE}; 0 = any free one.")
    private int port;

    @Option(
            names = "--max-model-len",
            defaultValue = "auto",
            paramLabel = "N",
            converter = Length.class,
            description = "Longest prompt plus output in tokens; 1k = 1000, 1K = 1024. Default: the model's own limit.")
    private int maxModelLen;

    @Option(
            names = "--max-num-seqs",
            defaultValue = "128",
            paramLabel = "N",
            description = "Most sequences in one step. Default: ${DEFAULT-VALUE}.")
    private int maxNumSeqs;

    @Option(
            names = "--max-num-batched-tokens",
            defaultValue = "2048",
            paramLabel = "N",
            converter = Length.class,
            description = "Token budget of one step. Default: ${DEFAULT-VALUE}.")
    private int maxNumBatchedTokens;

    @Option(
            names = "--long-prefill-token-threshold",
            defaultValue = "" + EngineConfig.DEFAULT_LONG_PREFILL_TOKEN_THRESHOLD,
            paramLabel = "N",
            description =
                    "Most prompt tokens of one request in a step, once eight times as many are computed; 0 = no limit."
                            + " Default: ${DEFAULT-VALUE}.")
    private int longPrefillTokenThreshold;

    @Option(
            names = "--scheduling-policy",
            defaultValue = "fcfs",
            paramLabel = "NAME",
            description = "fcfs, or priority (the request's own, smaller is sooner). Default: ${DEFAULT-VALUE}.")
    private String schedulingPolicy;

    @Option(
            names = "--priority-aging-ms",
            defaultValue = "0",
            paramLabel = "MS",
            description = "Wait worth one step of priority, so that low ones cannot wait for ever; 0 = none."
                    + " Default: ${DEFAULT-VALUE}.")
    private long priorityAgingMillis;

    @Option(
            names = "--speculative-config",
            paramLabel = "JSON",
            converter = SpeculativeConfig.class,
            description =
                    "Speculative decoding by prompt lookup, e.g."
                            + " '{\"method\": \"ngram\", \"num_speculative_tokens\": 4, \"prompt_lookup_max\": 4}'. Default: off.")
    private NgramSpeculation speculation = NgramSpeculation.OFF;

    @Option(
            names = "--enable-prefix-caching",
            negatable = true,
            defaultValue = "true",
            fallbackValue = "true",
            description = "Whether requests that begin alike share the beginning. Default: ${DEFAULT-VALUE}.")
    private boolean prefixCaching;

    @Option(names = "--enable-prompt-tokens-details", description = "Tell of cached prompt tokens in usage.")
    private boolean promptTokensDetails;

    @Option(
            names = "--pooling-type",
            defaultValue = "LAST",
            paramLabel = "NAME",
            description = "How hidden states become embeddings: LAST (token) or MEAN. Default: ${DEFAULT-VALUE}.")
    private Pooling pooling;

    @Option(
            names = "--tool-call-parser",
            paramLabel = "NAME",
            converter = ToolCallParserName.class,
            description = "How the model writes tool calls: hermes, llama3_json, mistral or pythonic."
                    + " Default: as its chat template shows.")
    private ToolCallFamily toolCallFamily;

    @Option(
            names = "--enable-auto-tool-choice",
            description = "Accepted for vLLM's sake; tool_choice auto needs no flag here.")
    private boolean autoToolChoice;

    @Option(
            names = "--enable-request-id-headers",
            description = "Answer with an X-Request-Id, the client's or a new one.")
    private boolean requestIdHeaders;

    @Option(
            names = "--max-waiting",
            defaultValue = "1024",
            paramLabel = "N",
            description = "Most requests waiting; one more gets 429 with Retry-After. Default: ${DEFAULT-VALUE}.")
    private int maxWaiting;

    @Option(
            names = "--block-size",
            defaultValue = "16",
            paramLabel = "N",
            description = "Tokens per KV block. Default: ${DEFAULT-VALUE}.")
    private int blockSize;

    @Option(
            names = "--kv-cache-dtype",
            defaultValue = "auto",
            paramLabel = "NAME",
            description =
                    "auto (float32; on CUDA as 16-bit weights), float32, float16, bfloat16 or int8. Default: ${DEFAULT-VALUE}.")
    private String kvCacheDType;

    @Option(
            names = "--kv-cache-memory-bytes",
            defaultValue = "0",
            paramLabel = "BYTES",
            converter = Bytes.class,
            description = "Memory of the KV cache, e.g. 512M. Default: chosen from what is free.")
    private long kvCacheBytes;

    @Option(
            names = "--backend",
            defaultValue = "auto",
            paramLabel = "NAME",
            description = "auto (CUDA where a device answers, else the CPU), cuda, cpu or reference."
                    + " Default: ${DEFAULT-VALUE}.")
    private String backend;

    @Option(
            names = "--cuda-library-path",
            defaultValue = "",
            paramLabel = "PATH",
            description = "Folders to look for libcuda, libnvrtc and libcublasLt in first, separated as in PATH."
                    + " Default: the loader's, CUDA_HOME, the usual folders, Python's nvidia packages.")
    private String cudaLibraryPath;

    @Option(
            names = "--gpu-memory-utilization",
            defaultValue = "" + EngineConfig.DEFAULT_GPU_MEMORY_UTILIZATION,
            paramLabel = "SHARE",
            description =
                    "Share of the GPU's memory that the server may use; what weights leave of it becomes KV cache."
                            + " Default: ${DEFAULT-VALUE}.")
    private double gpuMemoryUtilization;

    @Option(
            names = "--dtype",
            defaultValue = "auto",
            paramLabel = "NAME",
            description = "What weights are kept as: auto (as stored), float32, bfloat16 or float16. Default:"
                    + " ${DEFAULT-VALUE}.")
    private String dtype;

    @Option(
            names = {"--quantization", "-q"},
            defaultValue = "none",
            paramLabel = "NAME",
            description = "Quantize matrices on load, weights only: int8 (a scale per row) or int4 (a scale per 32"
                    + " weights). Default: ${DEFAULT-VALUE}.")
    private String quantization;

    @Option(
            names = "--amx",
            negatable = true,
            defaultValue = "true",
            fallbackValue = "true",
            description = "Whether the CPU backend may use AMX tiles where the processor has them. Default:"
                    + " ${DEFAULT-VALUE}.")
    private boolean amx;

    @Option(
            names = "--machine-code",
            negatable = true,
            defaultValue = "true",
            fallbackValue = "true",
            description =
                    "Whether the CPU backend may use instructions the Vector API does not offer (VNNI, BF16, AMX)."
                            + " Default: ${DEFAULT-VALUE}.")
    private boolean machineCode;

    @Option(
            names = "--threads",
            defaultValue = "0",
            paramLabel = "N",
            description = "CPU worker threads. Default: the physical cores this process may use.")
    private int threads;

    @Option(
            names = "--seed",
            defaultValue = "0",
            paramLabel = "SEED",
            description = "Seed of requests that bring none. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Mixin
    private ListenerOptions listener;

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

    /** A number of tokens as vLLM takes it. */
    static final class Length implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String text) {
            return text.equals("auto") || text.equals("-1") ? 0 : Math.toIntExact(Magnitudes.parse(text));
        }
    }

    /** A parser's name as vLLM knows it. */
    static final class ToolCallParserName implements ITypeConverter<ToolCallFamily> {
        @Override
        public ToolCallFamily convert(String text) {
            return ToolCallFamily.named(text)
                    .orElseThrow(() -> new TypeConversionException(
                            "expected one of " + ToolCallFamily.names() + ", found \"" + text + "\""));
        }
    }

    /** A number of bytes. */
    static final class Bytes implements ITypeConverter<Long> {
        @Override
        public Long convert(String text) {
            return Magnitudes.parse(text);
        }
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
                    servedModelNames,
                    host,
                    port,
                    otlp,
                    !traces.noHttpSpans,
                    tracing,
                    promptTokensDetails,
                    pooling,
                    Optional.ofNullable(toolCallFamily),
                    requestIdHeaders,
                    listener.settings(OtlpSettings::processEnvironment),
                    Duration.ofSeconds(shutdownTimeout),
                    Duration.ofSeconds(writeTimeout),
                    Main.version());
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private EngineConfig engine() {
        return EngineConfig.of(modelName())
                .models(models == null ? Path.of(System.getProperty(MODELS_PROPERTY, "models")) : models)
                .loadFormat(loadFormat)
                .revision(revision)
                .downloadDir(downloadDir)
                .tokenizer(tokenizer)
                .backend(backend)
                .cudaLibraryPath(cudaLibraryPath)
                .gpuMemoryUtilization(gpuMemoryUtilization)
                .dtype(dtype)
                .quantization(quantization)
                .amx(amx)
                .machineCode(machineCode)
                .maxModelLen(maxModelLen)
                .maxNumSeqs(maxNumSeqs)
                .maxNumBatchedTokens(maxNumBatchedTokens)
                .longPrefillTokenThreshold(longPrefillTokenThreshold)
                .schedulingPolicy(schedulingPolicy)
                .priorityAgingMillis(priorityAgingMillis)
                .speculation(speculation)
                .kvCacheDType(kvCacheDType)
                .prefixCaching(prefixCaching)
                .blockSize(blockSize)
                .kvCacheBytes(kvCacheBytes)
                .maxWaiting(maxWaiting)
                .threads(threads)
                .seed(seed)
                .build();
    }

    private String modelName() {
        if (model != null && positionalModel != null && !model.equals(positionalModel)) {
            throw new ParameterException(
                    spec.commandLine(), "two models: \"" + positionalModel + "\" and --model \"" + model + "\"");
        }
        String chosen = model == null ? positionalModel : model;
        if (chosen == null || chosen.isBlank()) {
            throw new ParameterException(
                    spec.commandLine(), "no model: name one with --model, a folder or a name under --models");
        }
        return chosen;
    }
}

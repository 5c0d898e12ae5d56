package dev.spandrel.engine.runner;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.ModelInfo;
import dev.spandrel.engine.NgramSpeculation;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.Backends;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.backend.cpu.CpuBackend;
import dev.spandrel.engine.backend.cuda.CudaOptions;
import dev.spandrel.engine.checkpoint.GgufFiles;
import dev.spandrel.engine.checkpoint.LoadFormat;
import dev.spandrel.engine.cuda.CudaException;
import dev.spandrel.engine.cuda.CudaSettings;
import dev.spandrel.engine.hub.HubSettings;
import dev.spandrel.engine.hub.LocatedModel;
import dev.spandrel.engine.hub.ModelHub;
import dev.spandrel.engine.model.KvCache;
import dev.spandrel.engine.model.Model;
import dev.spandrel.engine.model.ModelConfig;
import dev.spandrel.engine.model.ModelLoader;
import dev.spandrel.engine.model.StepLimits;
import dev.spandrel.engine.scheduler.BlockLives;
import dev.spandrel.engine.scheduler.BlockManager;
import dev.spandrel.engine.scheduler.BlockWatch;
import dev.spandrel.engine.scheduler.FaultPoint;
import dev.spandrel.engine.scheduler.NgramProposer;
import dev.spandrel.engine.scheduler.Scheduler;
import dev.spandrel.engine.scheduler.SchedulerConfig;
import dev.spandrel.engine.scheduler.SchedulingPolicy;
import dev.spandrel.engine.tokenizer.ChatTemplate;
import dev.spandrel.engine.tokenizer.ContentFormat;
import dev.spandrel.engine.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Opens an engine: finds the model, wires it back to front (backend, weights, cache, loop), warms it up. What a failed opening had
 * begun is released before the exception leaves.
 */
public final class EngineOpening {
    private static final long MAX_CONFIG_BYTES = 16L << 20;

    private EngineOpening() {}

    /** See {@link Engine#open}. */
    public static Engine open(EngineConfig config) {
        StartLog start = new StartLog(config.nanoClock(), config.stepListener()::onStart);
        LoadFormat format = LoadFormat.of(config.loadFormat());
        HubSettings hub = HubSettings.of(System.getenv(), Path.of(System.getProperty("user.home")));
        if (config.downloadDir() != null) {
            hub = hub.withCache(config.downloadDir());
        }
        ModelHub models = new ModelHub(config.models(), hub);
        LocatedModel located = models.locate(config.model(), config.revision(), format);
        Path folder = GgufFiles.resolve(located.folder(), format);
        start.done("locate_model");
        ModelConfig modelConfig = ModelConfig.read(folder);
        GenerationDefaults defaults = GenerationDefaults.read(modelConfig, config.generationConfig());
        start.done("read_config");
        Path tokenizers = config.tokenizer().isEmpty()
                ? folder
                : GgufFiles.resolve(
                        models.locate(config.tokenizer(), "", LoadFormat.DUMMY).folder(), LoadFormat.AUTO);
        Tokenizer tokenizer = format == LoadFormat.DUMMY && !Tokenizer.isIn(tokenizers)
                ? Tokenizer.placeholder(ModelLoader.vocabSize(modelConfig))
                : Tokenizer.open(tokenizers);
        Optional<ChatTemplate> chatTemplate = chatTemplate(config, tokenizers);
        start.done("load_tokenizer");
        Backends.Choice chosen = Backends.open(
                config.model(), config.backend(), backendOptions(config), cudaOptions(config), CpuBackend::new);
        // Only who asks for details pays for the watching.
        StepDetails details = config.stepListener().detailed() ? new StepDetails(config.nanoClock()) : null;
        Backend backend = details == null ? chosen.backend() : details.watch(chosen.backend());
        try {
            start.done("open_backend");
            LocalEngine.Texts texts = new LocalEngine.Texts(tokenizer, chatTemplate, tokenizerConfig(tokenizers));
            return open(
                    config,
                    located.name(),
                    modelConfig,
                    texts,
                    defaults,
                    backend,
                    chosen.description(),
                    details,
                    start);
        } catch (IllegalArgumentException e) {
            backend.close();
            throw new EngineException.ModelLoad(config.model(), e.getMessage());
        } catch (CudaException e) {
            backend.close();
            throw new EngineException.ModelLoad(
                    config.model(),
                    e.getMessage()
                            + (e.isOutOfMemory()
                                    ? "; lower --gpu-memory-utilization, --max-num-batched-tokens, --max-num-seqs or"
                                            + " --kv-cache-memory-bytes, narrow the weights with --dtype or --quantization,"
                                            + " or take --backend cpu"
                                    : ""));
        } catch (OutOfMemoryError e) {
            backend.close();
            throw new EngineException.ModelLoad(
                    config.model(),
                    "not enough memory (" + e.getMessage() + "); lower --max-num-batched-tokens, --max-num-seqs,"
                            + " --max-model-len or --kv-cache-memory-bytes, or give the JVM more with SPANDREL_JAVA_OPTS=-Xmx…");
        } catch (RuntimeException | Error e) {
            backend.close();
            throw e;
        }
    }

    private static Optional<ChatTemplate> chatTemplate(EngineConfig config, Path tokenizers) {
        Optional<ChatTemplate> template = config.chatTemplate().isEmpty()
                ? ChatTemplate.open(tokenizers, LocalDateTime::now)
                : Optional.of(ChatTemplate.given(config.chatTemplate(), tokenizers, LocalDateTime::now));
        ContentFormat format = ContentFormat.named(config.chatTemplateContentFormat());
        return template.map(found -> found.withContentFormat(format));
    }

    private static LocalEngine open(
            EngineConfig config,
            String name,
            ModelConfig modelConfig,
            LocalEngine.Texts texts,
            GenerationDefaults defaults,
            Backend backend,
            String backendLine,
            StepDetails details,
            StartLog start) {
        // A step never holds more tokens than its sequences can have.
        int maxModelLen = maxModelLen(config, ModelLoader.maxPositions(modelConfig));
        int maxTokens = (int) Math.min(
                Math.max(config.maxNumBatchedTokens(), config.maxNumSeqs()), (long) config.maxNumSeqs() * maxModelLen);
        int maxLogitRows = Math.min(
                maxTokens, config.maxNumSeqs() * (1 + config.speculation().numSpeculativeTokens()));
        StepLimits limits = new StepLimits(maxTokens, maxLogitRows, maxModelLen);
        Model model = ModelLoader.load(
                modelConfig, LoadFormat.of(config.loadFormat()), backend, limits, () -> start.done("map"));
        checkVocabulary(config, texts.tokenizer(), model);
        checkRounding(config, backend);
        // The backend packs straight from the mapped file, so this reads it too.
        start.done("upload");

        KvDType kvDType = kvDType(config, backend);
        int blockCount = KvSizing.blocks(config, model, maxModelLen, kvDType, backend.kvBytes());
        KvCache cache = KvCache.allocate(backend, model, blockCount, config.blockSize(), kvDType);
        start.done("allocate_kv_cache");
        start.loaded();
        ModelRunner runner = new ModelRunner(
                backend, model, cache, maxTokens, config.maxNumSeqs(), maxLogitRows, config.blockSize());
        BlockManager blocks =
                new BlockManager(blockCount, config.blockSize(), config.prefixCaching(), watch(config, blockCount));
        WaitingLine line =
                new WaitingLine(config.maxWaiting(), config.nanoClock().getAsLong());
        EngineStep step = new EngineStep(
                new Scheduler(schedulerConfig(config, maxTokens, maxLogitRows), blocks),
                blocks,
                runner,
                proposer(config.speculation()),
                defaults::endsSequence,
                line,
                config.nanoClock(),
                FaultPoint.NONE,
                details,
                config.asyncScheduling());
        EngineLoop loop = new EngineLoop(step, line, config.nanoClock(), config.stepListener());
        ModelInfo info = new ModelInfo(
                name,
                modelConfig.folder(),
                modelConfig.architecture(),
                model.parameters(),
                model.vocabSize(),
                maxModelLen,
                backendLine,
                texts.chatTemplate().isPresent(),
                defaults.sampling());
        WarmUp.run(backend, model, cache, maxTokens, maxModelLen, config.blockSize(), System::nanoTime);
        start.done("warm_up");
        if (backend.recordsPasses()) {
            WarmUp.capture(
                    backend,
                    model,
                    cache,
                    maxTokens,
                    config.maxNumSeqs(),
                    maxModelLen,
                    config.blockSize(),
                    blockCount,
                    config.nanoClock());
            start.done("capture");
        }
        loop.start();
        start.done("start_loop");
        if (backend instanceof CpuBackend) {
            KernelWatch.once(backendOptions(config));
        }
        return new LocalEngine(config, info, backend, texts, defaults, loop, start.phases());
    }

    /** Who asks for rounded activations gets them or is told why not. */
    private static void checkRounding(EngineConfig config, Backend backend) {
        if (config.activationDType().equals("int8") && backend.roundingWeights() == 0) {
            throw new IllegalArgumentException("--activation-dtype int8: expected matrices in one of GGUF's block"
                    + " types, or --quantization int8 or int4, found none");
        }
    }

    private static BlockWatch watch(EngineConfig config, int blocks) {
        double ratio = config.stepListener().watchedBlocks();
        return ratio <= 0
                ? BlockWatch.NONE
                : new BlockLives(
                        blocks,
                        ratio,
                        new SplittableRandom(config.seed()),
                        config.nanoClock(),
                        config.stepListener()::onEvicted);
    }

    private static CudaOptions cudaOptions(EngineConfig config) {
        CudaSettings settings =
                CudaSettings.of(config.cudaLibraryPath(), System.getenv(), Path.of(System.getProperty("user.home")));
        WeightPolicy weights = new WeightPolicy(config.dtype(), config.quantization(), config.activationDType());
        return CudaOptions.of(settings, weights, config.gpuMemoryUtilization());
    }

    private static BackendOptions backendOptions(EngineConfig config) {
        WeightPolicy weights = new WeightPolicy(config.dtype(), config.quantization(), config.activationDType());
        return new BackendOptions(
                config.threads(), weights, config.machineCode(), config.amx() ? BackendOptions.AMX_ROWS : 0);
    }

    private static KvDType kvDType(EngineConfig config, Backend backend) {
        return switch (config.kvCacheDType()) {
            case "auto" -> backend.kvDType();
            case "float32" -> KvDType.F32;
            case "float16" -> KvDType.F16;
            case "bfloat16" -> KvDType.BF16;
            case "int8" -> KvDType.INT8;
            default -> throw new IllegalStateException("checked by the configuration: " + config.kvCacheDType());
        };
    }

    private static NgramProposer proposer(NgramSpeculation speculation) {
        return speculation.enabled()
                ? new NgramProposer(
                        speculation.numSpeculativeTokens(),
                        speculation.promptLookupMin(),
                        speculation.promptLookupMax())
                : null;
    }

    private static SchedulerConfig schedulerConfig(EngineConfig config, int maxTokens, int maxLogitRows) {
        return new SchedulerConfig(
                config.maxNumSeqs(),
                maxTokens,
                config.longPrefillTokenThreshold(),
                new SchedulingPolicy(config.schedulingPolicy().equals("priority"), config.priorityAgingMillis()),
                new SchedulerConfig.LogitRows(
                        maxLogitRows, 1 + config.speculation().numSpeculativeTokens()));
    }

    private static int maxModelLen(EngineConfig config, int maxPositions) {
        if (config.maxModelLen() > maxPositions) {
            throw new EngineException.ModelLoad(
                    config.model(),
                    "--max-model-len " + config.maxModelLen() + " is beyond the " + maxPositions
                            + " positions the model was made for (max_position_embeddings)");
        }
        return config.maxModelLen() == 0 ? maxPositions : config.maxModelLen();
    }

    private static void checkVocabulary(EngineConfig config, Tokenizer tokenizer, Model model) {
        if (tokenizer.vocabSize() > model.vocabSize()) {
            throw new EngineException.ModelLoad(
                    config.model(),
                    "the tokenizer knows " + tokenizer.vocabSize() + " tokens, the model scores only "
                            + model.vocabSize() + " (vocab_size)");
        }
    }

    /** Read when the engine opens, so that it is the one in use; empty for a GGUF file, or where it cannot be read. */
    private static Optional<String> tokenizerConfig(Path tokenizers) {
        try {
            Path file = tokenizers.resolve("tokenizer_config.json");
            return Files.isRegularFile(file) && Files.size(file) <= MAX_CONFIG_BYTES
                    ? Optional.of(Files.readString(file))
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}

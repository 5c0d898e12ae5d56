package dev.spandrel.engine.runner;

import dev.spandrel.engine.BackendCheck;
import dev.spandrel.engine.CudaStatus;
import dev.spandrel.engine.DeviceStats;
import dev.spandrel.engine.EmbeddingRequest;
import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.EngineStats;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.KernelRate;
import dev.spandrel.engine.ModelInfo;
import dev.spandrel.engine.NgramSpeculation;
import dev.spandrel.engine.PendingEmbedding;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.PromptRules;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.StartPhase;
import dev.spandrel.engine.StopRules;
import dev.spandrel.engine.TokenText;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.Backends;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.backend.cpu.CpuBackend;
import dev.spandrel.engine.backend.cpu.KernelCheck;
import dev.spandrel.engine.backend.cuda.CudaOptions;
import dev.spandrel.engine.checkpoint.GgufFiles;
import dev.spandrel.engine.checkpoint.LoadFormat;
import dev.spandrel.engine.cuda.CudaDevice;
import dev.spandrel.engine.cuda.CudaException;
import dev.spandrel.engine.cuda.CudaLibrary;
import dev.spandrel.engine.cuda.CudaProbe;
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
import dev.spandrel.engine.scheduler.Sequence;
import dev.spandrel.engine.tokenizer.ChatTemplate;
import dev.spandrel.engine.tokenizer.ContentFormat;
import dev.spandrel.engine.tokenizer.StreamingDecoder;
import dev.spandrel.engine.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * The engine in this process. Opening wires it back to front (backend, weights, cache, loop) and closing goes the other
 * way; what a failed opening had begun is released before the exception leaves.
 */
public final class LocalEngine implements Engine {
    private final EngineConfig config;
    private final ModelInfo info;
    private final Backend backend;
    private final Tokenizer tokenizer;
    private static final long MAX_CONFIG_BYTES = 16L << 20;

    private final Optional<ChatTemplate> chatTemplate;
    private Optional<String> tokenizerConfig = Optional.empty();
    private final IntPredicate endsSequence;
    private final SamplingPlanner planner;
    private final PromptBound bound;
    private final List<StartPhase> startPhases;
    private final EngineLoop loop;
    private final AtomicLong requests = new AtomicLong();

    private LocalEngine(
            EngineConfig config,
            ModelInfo info,
            Backend backend,
            Tokenizer tokenizer,
            Optional<ChatTemplate> chatTemplate,
            GenerationDefaults defaults,
            EngineLoop loop,
            List<StartPhase> startPhases) {
        this.config = config;
        this.endsSequence = defaults::endsSequence;
        this.planner = new SamplingPlanner(tokenizer, defaults.eosTokenIds(), info.vocabSize());
        this.bound = new PromptBound(tokenizer, info.maxModelLen());
        this.startPhases = startPhases;
        this.info = info;
        this.backend = backend;
        this.tokenizer = tokenizer;
        this.chatTemplate = chatTemplate;
        this.loop = loop;
    }

    /** What computes here. */
    Backend backend() {
        return backend;
    }

    /** See {@link Engine#checkBackends}. */
    public static List<BackendCheck> checkBackends() {
        return BackendChecks.all();
    }

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
            LocalEngine engine = open(
                    config,
                    located.name(),
                    modelConfig,
                    tokenizer,
                    chatTemplate,
                    defaults,
                    backend,
                    chosen.description(),
                    details,
                    start);
            engine.tokenizerConfig = tokenizerConfig(tokenizers);
            return engine;
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
            Tokenizer tokenizer,
            Optional<ChatTemplate> chatTemplate,
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
        checkVocabulary(config, tokenizer, model);
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
                chatTemplate.isPresent(),
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
                    System::nanoTime);
            start.done("capture");
        }
        loop.start();
        start.done("start_loop");
        if (backend instanceof CpuBackend) {
            KernelWatch.once(backendOptions(config));
        }
        return new LocalEngine(config, info, backend, tokenizer, chatTemplate, defaults, loop, start.phases());
    }

    /** Who asks for rounded activations gets them or is told why not. */
    private static void checkRounding(EngineConfig config, Backend backend) {
        if (config.activationDType().equals("int8") && backend.roundingWeights() == 0) {
            throw new IllegalArgumentException("--activation-dtype int8: expected matrices in int8, Q8_0 or Q4_0 (of a"
                    + " GGUF file, or by --quantization int8 or int4), found none");
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

    /** See {@link Engine#kernelRates}. */
    public static List<KernelRate> kernelRates() {
        return Backends.vectorApi() ? KernelCheck.run(BackendOptions.threads(1)) : List.of();
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

    @Override
    public ModelInfo model() {
        return info;
    }

    @Override
    public int[] tokenize(Prompt prompt) {
        return switch (prompt) {
            case Prompt.Text text -> tokenizer.encode(text.text(), text.addSpecialTokens());
            case Prompt.Tokens tokens -> inVocabulary(tokens);
            // The template usually writes its special tokens itself.
            case Prompt.Chat chat ->
                tokenizer.encode(render(chat), chat.options().addSpecialTokens());
        };
    }

    @Override
    public int countTokens(Prompt prompt) {
        return encodeBounded(prompt).length;
    }

    private int[] encodeBounded(Prompt prompt) {
        return switch (prompt) {
            case Prompt.Text text -> encodeBounded(text.text(), text.addSpecialTokens());
            case Prompt.Tokens tokens -> inVocabulary(tokens);
            case Prompt.Chat chat -> encodeBounded(render(chat), chat.options().addSpecialTokens());
        };
    }

    private int[] encodeBounded(String text, boolean addSpecialTokens) {
        bound.check(text);
        return tokenizer.encode(text, addSpecialTokens);
    }

    private String render(Prompt.Chat chat) {
        return chatTemplate
                .orElseThrow(() -> new EngineException.InvalidRequest(
                        "messages", "The model " + info.name() + " has no chat template; use /v1/completions"))
                .render(chat.messages(), chat.options());
    }

    private int[] inVocabulary(Prompt.Tokens prompt) {
        int[] ids = prompt.ids().stream().mapToInt(Integer::intValue).toArray();
        checkVocabulary("prompt", ids);
        return ids;
    }

    private void checkVocabulary(String parameter, int[] ids) {
        for (int id : ids) {
            if (id < 0 || id >= info.vocabSize()) {
                throw new EngineException.InvalidRequest(
                        parameter,
                        "Token id " + id + " is out of vocabulary: ids run from 0 to " + (info.vocabSize() - 1));
            }
        }
    }

    @Override
    public String detokenize(List<Integer> ids, boolean skipSpecialTokens) {
        checkVocabulary("tokens", ids.stream().mapToInt(Integer::intValue).toArray());
        StreamingDecoder decoder = new StreamingDecoder(tokenizer, StopRules.MODEL, skipSpecialTokens);
        StringBuilder text = new StringBuilder();
        ids.forEach(id -> text.append(decoder.append(id)));
        return text.append(decoder.finish()).toString();
    }

    @Override
    public TokenText token(int id) {
        byte[] bytes = tokenizer.textBytes(id);
        return new TokenText(tokenizer.entry(id), new String(bytes, StandardCharsets.UTF_8), bytes.clone());
    }

    /** The prompt's tokens, cut where the request wants it. */
    private int[] prompt(GenerationRequest request) {
        PromptRules rules = request.promptRules();
        if (rules.truncateTo().isEmpty()) {
            return encodeBounded(request.prompt());
        }
        int[] prompt = tokenize(request.prompt());
        int room = info.maxModelLen() - request.sampling().maxTokens().orElse(1);
        int most = rules.truncateTo().getAsInt() == -1
                ? Math.max(1, room)
                : rules.truncateTo().getAsInt();
        int length = Math.min(most, prompt.length);
        int from = rules.keepEnd() ? prompt.length - length : 0;
        return Arrays.copyOfRange(prompt, from, from + length);
    }

    @Override
    public Generation submit(GenerationRequest request) {
        long tokenizeNanos = config.nanoClock().getAsLong();
        int[] prompt = prompt(request);
        SamplingParams sampling = request.sampling().withMaxTokens(maxTokens(prompt.length, request.sampling()));
        SamplingPlan plan = planner.plan(sampling);
        long number = requests.getAndIncrement();
        LiveRequest live = new LiveRequest(
                number,
                request.id(),
                prompt,
                sampling,
                // The golden ratio's increment keeps seeds of neighbouring requests far apart.
                sampling.seed().orElse(config.seed() + number * 0x9E3779B97F4A7C15L),
                request.arrivalNanos(),
                tokenizeNanos,
                config.nanoClock().getAsLong(),
                standing(request),
                request.correlation());
        live.use(plan);
        loop.submit(live);
        StreamingDecoder decoder = new StreamingDecoder(tokenizer, sampling.stopRules(), sampling.skipSpecialTokens());
        return new LocalGeneration(live, loop, decoder, config.nanoClock());
    }

    @Override
    public List<Generation> beamSearch(GenerationRequest request, int width, double lengthPenalty) {
        if (width < 1 || 2L * width > info.vocabSize()) {
            throw new EngineException.InvalidRequest(
                    "n",
                    "n must be between 1 and " + info.vocabSize() / 2 + " with beam search, got " + width
                            + ". (parameter=n, value=" + width + ")");
        }
        long tokenizeNanos = config.nanoClock().getAsLong();
        int[] prompt = prompt(request);
        SamplingParams sampling = request.sampling().withMaxTokens(maxTokens(prompt.length, request.sampling()));
        BeamSearch search = new BeamSearch(
                width,
                lengthPenalty,
                sampling.maxTokens().orElseThrow(),
                sampling.ignoreEos(),
                endsSequence,
                loop,
                tokens -> beam(request, tokens, 2 * width, tokenizeNanos));
        search.start(prompt);
        return IntStream.range(0, width)
                .<Generation>mapToObj(rank -> new BeamGeneration(
                        search,
                        rank,
                        prompt.length,
                        sampling,
                        () -> new StreamingDecoder(tokenizer, List.of()),
                        config.nanoClock()))
                .toList();
    }

    /** One token behind a beam. */
    private LiveRequest beam(GenerationRequest request, int[] tokens, int logprobs, long tokenizeNanos) {
        LiveRequest live = new LiveRequest(
                requests.getAndIncrement(),
                request.id(),
                tokens,
                SamplingParams.DEFAULT.withTemperature(0).withMaxTokens(1),
                0,
                request.arrivalNanos(),
                tokenizeNanos,
                config.nanoClock().getAsLong(),
                standing(request),
                request.correlation());
        live.wantLogprobs(logprobs);
        return live;
    }

    private static Sequence.Standing standing(GenerationRequest request) {
        return new Sequence.Standing(
                request.priority(),
                request.arrivalNanos() / 1_000_000,
                request.cacheSalt().getBytes(StandardCharsets.UTF_8));
    }

    /** Resolves {@code max_tokens}, or refuses with the numbers. */
    private int maxTokens(int promptTokens, SamplingParams sampling) {
        int most = info.maxModelLen();
        if (promptTokens == 0) {
            throw new EngineException.InvalidRequest("prompt", "The prompt is empty; it needs at least one token");
        }
        int wanted = sampling.maxTokens().orElse(Math.max(1, most - promptTokens));
        if (wanted > most) {
            throw new EngineException.InvalidRequest(
                    "max_tokens",
                    "max_tokens " + wanted + " is larger than the model's context length of " + most
                            + " tokens. (parameter=max_tokens, value=" + wanted + ")");
        }
        if (promptTokens + wanted > most) {
            throw new EngineException.InvalidRequest(
                    "input_tokens",
                    "The model's maximum context length is " + most + " tokens, but the request asks for " + wanted
                            + " output tokens after " + promptTokens + " input tokens, "
                            + (promptTokens + wanted) + " in total. Shorten the prompt or ask for fewer tokens.");
        }
        return wanted;
    }

    @Override
    public PendingEmbedding embed(EmbeddingRequest request) {
        long tokenizeNanos = config.nanoClock().getAsLong();
        // One token stays free: a sequence has room for one behind its prompt.
        SamplingParams sampling = SamplingParams.DEFAULT.withMaxTokens(1);
        int[] prompt = prompt(new GenerationRequest(
                request.id(), request.prompt(), sampling, request.arrivalNanos(), 0, "", request.promptRules(), null));
        maxTokens(prompt.length, sampling);
        LiveRequest live = new LiveRequest(
                requests.getAndIncrement(),
                request.id(),
                prompt,
                sampling,
                0,
                request.arrivalNanos(),
                tokenizeNanos,
                config.nanoClock().getAsLong(),
                Sequence.Standing.PLAIN,
                request.correlation());
        live.pool(new Pooler(request.pooling(), request.normalized(), prompt.length));
        loop.submit(live);
        return new LocalEmbedding(live, loop);
    }

    @Override
    public Optional<String> tokenizerConfig() {
        return tokenizerConfig;
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

    @Override
    public Optional<String> chatTemplate() {
        return chatTemplate.map(ChatTemplate::source);
    }

    @Override
    public List<StartPhase> startPhases() {
        return startPhases;
    }

    /** See {@link Engine#cudaStatus}. */
    public static CudaStatus cudaStatus(String libraryPath) {
        CudaSettings settings = CudaSettings.of(libraryPath, System.getenv(), Path.of(System.getProperty("user.home")));
        return switch (CudaLibrary.probe(settings)) {
            case CudaProbe.Absent absent -> new CudaStatus(false, "", "", List.of(), absent.reason(), absent.cure());
            case CudaProbe.Present present -> {
                try {
                    List<CudaStatus.Device> devices = IntStream.range(0, present.devices())
                            .mapToObj(CudaDevice::of)
                            .map(device -> new CudaStatus.Device(
                                    device.name(), device.pciBusId(), device.architecture(), device.totalBytes()))
                            .toList();
                    yield new CudaStatus(true, present.driver(), present.nvrtc(), devices, "", "");
                } catch (CudaException e) {
                    yield new CudaStatus(false, "", "", List.of(), e.getMessage(), "check nvidia-smi");
                }
            }
        };
    }

    @Override
    public Optional<DeviceStats> device() {
        return backend.device();
    }

    @Override
    public EngineStats stats() {
        return loop.stats();
    }

    @Override
    public boolean healthy() {
        return loop.healthy();
    }

    @Override
    public void close() {
        loop.close();
        planner.close();
        backend.close();
    }
}

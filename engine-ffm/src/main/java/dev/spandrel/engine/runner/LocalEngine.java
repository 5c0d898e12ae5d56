package dev.spandrel.engine.runner;

import dev.spandrel.engine.DeviceStats;
import dev.spandrel.engine.EmbeddingRequest;
import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.EngineStats;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.ModelInfo;
import dev.spandrel.engine.PendingEmbedding;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.StartPhase;
import dev.spandrel.engine.StopRules;
import dev.spandrel.engine.TokenText;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.scheduler.Sequence;
import dev.spandrel.engine.tokenizer.ChatTemplate;
import dev.spandrel.engine.tokenizer.StreamingDecoder;
import dev.spandrel.engine.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** The engine in this process: requests in, generations out. {@link EngineOpening} wires it, and closing goes the other way. */
public final class LocalEngine implements Engine {
    private final EngineConfig config;
    private final ModelInfo info;
    private final Backend backend;
    private final Texts texts;
    private final PromptEncoder prompts;
    private final IntPredicate endsSequence;
    private final SamplingPlanner planner;
    private final List<StartPhase> startPhases;
    private final EngineLoop loop;
    private final AtomicLong requests = new AtomicLong();

    /**
     * What text goes through.
     *
     * @param tokenizerConfig of the tokenizer, as it was when the engine opened
     */
    record Texts(Tokenizer tokenizer, Optional<ChatTemplate> chatTemplate, Optional<String> tokenizerConfig) {}

    LocalEngine(
            EngineConfig config,
            ModelInfo info,
            Backend backend,
            Texts texts,
            GenerationDefaults defaults,
            EngineLoop loop,
            List<StartPhase> startPhases) {
        this.config = config;
        this.endsSequence = defaults::endsSequence;
        this.planner = new SamplingPlanner(texts.tokenizer, defaults.eosTokenIds(), info.vocabSize());
        this.prompts = new PromptEncoder(info, texts.tokenizer, texts.chatTemplate);
        this.startPhases = startPhases;
        this.info = info;
        this.backend = backend;
        this.texts = texts;
        this.loop = loop;
    }

    /** What computes here. */
    Backend backend() {
        return backend;
    }

    @Override
    public ModelInfo model() {
        return info;
    }

    @Override
    public int[] tokenize(Prompt prompt) {
        return prompts.tokenize(prompt);
    }

    @Override
    public int countTokens(Prompt prompt) {
        return prompts.countTokens(prompt);
    }

    @Override
    public String detokenize(List<Integer> ids, boolean skipSpecialTokens) {
        prompts.checkVocabulary(
                "tokens", ids.stream().mapToInt(Integer::intValue).toArray());
        StreamingDecoder decoder = new StreamingDecoder(texts.tokenizer, StopRules.MODEL, skipSpecialTokens);
        StringBuilder text = new StringBuilder();
        ids.forEach(id -> text.append(decoder.append(id)));
        return text.append(decoder.finish()).toString();
    }

    @Override
    public TokenText token(int id) {
        byte[] bytes = texts.tokenizer.textBytes(id);
        return new TokenText(texts.tokenizer.entry(id), new String(bytes, StandardCharsets.UTF_8), bytes.clone());
    }

    @Override
    public Generation submit(GenerationRequest request) {
        long tokenizeNanos = config.nanoClock().getAsLong();
        int[] prompt = prompts.prompt(request);
        SamplingParams sampling =
                request.sampling().withMaxTokens(prompts.maxTokens(prompt.length, request.sampling()));
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
        StreamingDecoder decoder =
                new StreamingDecoder(texts.tokenizer, sampling.stopRules(), sampling.skipSpecialTokens());
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
        int[] prompt = prompts.prompt(request);
        SamplingParams sampling =
                request.sampling().withMaxTokens(prompts.maxTokens(prompt.length, request.sampling()));
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
                        () -> new StreamingDecoder(texts.tokenizer, List.of()),
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

    @Override
    public PendingEmbedding embed(EmbeddingRequest request) {
        long tokenizeNanos = config.nanoClock().getAsLong();
        // One token stays free: a sequence has room for one behind its prompt.
        SamplingParams sampling = SamplingParams.DEFAULT.withMaxTokens(1);
        int[] prompt = prompts.prompt(new GenerationRequest(
                request.id(), request.prompt(), sampling, request.arrivalNanos(), 0, "", request.promptRules(), null));
        prompts.maxTokens(prompt.length, sampling);
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
        return texts.tokenizerConfig;
    }

    @Override
    public Optional<String> chatTemplate() {
        return texts.chatTemplate.map(ChatTemplate::source);
    }

    @Override
    public List<StartPhase> startPhases() {
        return startPhases;
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

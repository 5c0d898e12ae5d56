package dev.spandrel.server;

import dev.spandrel.engine.EmbeddingRequest;
import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.EngineStats;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.ModelInfo;
import dev.spandrel.engine.PendingEmbedding;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.TokenText;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Function;

/**
 * An engine without a model: each request is answered by the script in force. It checks what the real one checks of a
 * request, and keeps every generation for the test to look at.
 */
public final class ScriptedEngine implements Engine {
    public static final int MAX_MODEL_LEN = 256;
    public static final int VOCAB_SIZE = 1000;

    private final ModelInfo info;
    private final BlockingQueue<ScriptedGeneration> submitted = new LinkedBlockingQueue<>();
    private volatile Function<GenerationRequest, ScriptedGeneration> script = ScriptedGeneration::words;
    private volatile boolean healthy = true;

    public ScriptedEngine() {
        this(SamplingParams.DEFAULT);
    }

    public ScriptedEngine(SamplingParams defaults) {
        info = new ModelInfo(
                "scripted",
                Path.of("/models/scripted"),
                "OPTForCausalLM",
                3_200_000,
                VOCAB_SIZE,
                MAX_MODEL_LEN,
                "backend=scripted",
                true,
                defaults);
    }

    /** Answers all requests from now on. */
    public ScriptedEngine script(Function<GenerationRequest, ScriptedGeneration> answer) {
        script = answer;
        return this;
    }

    /** Back to answering with numbered words. */
    public void reset() {
        script = ScriptedGeneration::words;
        submitted.clear();
        healthy = true;
    }

    public void healthy(boolean value) {
        healthy = value;
    }

    /** The next generation submitted; fails the test when none comes. */
    public ScriptedGeneration submitted() {
        return Waiting.take(submitted, "a submitted generation");
    }

    /** Generations submitted and not yet asked for by {@link #submitted}. */
    public int running() {
        return submitted.size();
    }

    /** Forgets the generations that were closed and says how many are left, once closing had time. */
    public int leftOpen() {
        Waiting.until(
                () -> {
                    submitted.removeIf(ScriptedGeneration::isClosed);
                    return submitted.isEmpty();
                },
                "all generations to be closed");
        return submitted.size();
    }

    @Override
    public ModelInfo model() {
        return info;
    }

    /** One token per word for text, one per message for a chat. */
    @Override
    public int[] tokenize(Prompt prompt) {
        return switch (prompt) {
            case Prompt.Text(String text, var special) -> new int[text.split(" ").length];
            case Prompt.Tokens(List<Integer> ids) ->
                ids.stream().mapToInt(Integer::intValue).toArray();
            case Prompt.Chat(var messages, var options) -> new int[messages.size()];
        };
    }

    /** The vector counts the prompt's tokens: [count, pooling, 1 if normalized]. */
    @Override
    public PendingEmbedding embed(EmbeddingRequest request) {
        int tokens = tokenize(request.prompt()).length;
        float[] vector = {tokens, request.pooling().ordinal(), request.normalized() ? 1 : 0};
        return new PendingEmbedding() {
            @Override
            public int promptTokens() {
                return tokens;
            }

            @Override
            public java.util.Optional<float[]> await() {
                return java.util.Optional.of(vector);
            }

            @Override
            public dev.spandrel.engine.RequestTimings timings() {
                long at = request.arrivalNanos();
                return new dev.spandrel.engine.RequestTimings(
                        at, at + 1, at + 2, Long.MIN_VALUE, Long.MIN_VALUE, at + 3, 0);
            }

            @Override
            public dev.spandrel.engine.RequestPhases phases() {
                return new dev.spandrel.engine.RequestPhases(
                        request.arrivalNanos(), request.arrivalNanos() + 1, List.of(), List.of(), 0, 0, 0, false);
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public java.util.Optional<String> tokenizerConfig() {
        return java.util.Optional.of("{\"model_max_length\":256,\"chat_template\":\"old\"}");
    }

    /** Token 7 is the word "t7". */
    @Override
    public String detokenize(List<Integer> ids, boolean skipSpecialTokens) {
        return ids.stream().map(id -> "t" + id).collect(java.util.stream.Collectors.joining(" "));
    }

    @Override
    public TokenText token(int id) {
        return new TokenText("Ġt" + id, " t" + id, (" t" + id).getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    @Override
    public Generation submit(GenerationRequest request) {
        int prompt = tokenize(request.prompt()).length;
        int wanted = request.sampling().maxTokens().orElse(1);
        if (prompt + wanted > MAX_MODEL_LEN) {
            throw new EngineException.InvalidRequest(
                    "input_tokens", "maximum context length is " + MAX_MODEL_LEN + ", asked for " + (prompt + wanted));
        }
        if (request.sampling().maxTokens().isEmpty()) {
            // As the engine's: what does not go with the most there can be is refused before anything begins.
            request.sampling().withMaxTokens(MAX_MODEL_LEN - prompt);
        }
        ScriptedGeneration generation = script.apply(request);
        submitted.add(generation);
        return generation;
    }

    /** Each beam by the script in force. */
    @Override
    public List<Generation> beamSearch(GenerationRequest request, int width, double lengthPenalty) {
        return java.util.stream.IntStream.range(0, width)
                .mapToObj(_ -> submit(request))
                .toList();
    }

    @Override
    public EngineStats stats() {
        return new EngineStats(1, 2, 1, 100, 25, 16, 7, 40, 15, 50, 3, 60, 20, 4, 8, 5, List.of(3L, 2L));
    }

    @Override
    public boolean healthy() {
        return healthy;
    }

    @Override
    public void close() {
        healthy = false;
        submitted.forEach(ScriptedGeneration::abort);
    }
}

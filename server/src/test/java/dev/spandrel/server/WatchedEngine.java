package dev.spandrel.server;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineStats;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.ModelInfo;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.StartPhase;
import dev.spandrel.engine.TokenText;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A real engine whose generations a test can ask for their stamps afterwards, by request id. */
final class WatchedEngine implements Engine {
    private final Engine engine;
    private final Map<String, List<Generation>> generations = new ConcurrentHashMap<>();

    WatchedEngine(Engine engine) {
        this.engine = engine;
    }

    /** In the order they were submitted; those of a beam search best first. */
    List<Generation> generations(String id) {
        return generations.get(id);
    }

    @Override
    public Generation submit(GenerationRequest request) {
        Generation generation = engine.submit(request);
        note(request.id(), List.of(generation));
        return generation;
    }

    @Override
    public List<Generation> beamSearch(GenerationRequest request, int width, double lengthPenalty) {
        List<Generation> beams = engine.beamSearch(request, width, lengthPenalty);
        note(request.id(), beams);
        return beams;
    }

    private void note(String id, List<Generation> more) {
        generations.merge(
                id,
                more,
                (before, now) -> java.util.stream.Stream.concat(before.stream(), now.stream())
                        .toList());
    }

    @Override
    public ModelInfo model() {
        return engine.model();
    }

    @Override
    public int[] tokenize(Prompt prompt) {
        return engine.tokenize(prompt);
    }

    @Override
    public String detokenize(List<Integer> ids, boolean skipSpecialTokens) {
        return engine.detokenize(ids, skipSpecialTokens);
    }

    @Override
    public dev.spandrel.engine.PendingEmbedding embed(dev.spandrel.engine.EmbeddingRequest request) {
        return engine.embed(request);
    }

    @Override
    public TokenText token(int id) {
        return engine.token(id);
    }

    @Override
    public List<StartPhase> startPhases() {
        return engine.startPhases();
    }

    @Override
    public EngineStats stats() {
        return engine.stats();
    }

    @Override
    public boolean healthy() {
        return engine.healthy();
    }

    @Override
    public void close() {
        engine.close();
    }
}

package dev.spandrel.engine.runner;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.model.ForwardInput;
import dev.spandrel.engine.model.KvCache;
import dev.spandrel.engine.model.Model;
import dev.spandrel.engine.sampling.Sampler;
import dev.spandrel.engine.scheduler.ScheduledBatch;
import dev.spandrel.engine.scheduler.Sequence;
import dev.spandrel.engine.tensor.Buffer;

/** Runs a scheduled batch: lays out its input, passes it through the model, samples. All scratch is carved at start. */
final class ModelRunner {
    private final Backend backend;
    private final Model model;
    private final KvCache cache;
    private final ForwardInput input;
    private final Sampler sampler;
    private final float[] row;
    private Buffer logits;

    ModelRunner(Backend backend, Model model, KvCache cache, int maxTokens, int maxSequences, int blockSize) {
        this.backend = backend;
        this.model = model;
        this.cache = cache;
        input = new ForwardInput(maxTokens, maxSequences, maxSequences, blockSize);
        sampler = new Sampler(model.vocabSize());
        row = new float[model.vocabSize()];
    }

    /** The forward pass; afterwards keys and values of the batch's tokens are in the cache. */
    void forward(ScheduledBatch batch) {
        input.clear();
        for (int i = 0; i < batch.sequences().size(); i++) {
            Sequence sequence = batch.sequences().get(i);
            int from = sequence.computed();
            int to = from + batch.tokenCount(i);
            input.add(sequence.tokens(), from, to, sequence.blocks(), batch.samples(i) ? 1 : 0);
        }
        logits = model.forward(input, cache);
    }

    /**
     * Samples the next token of a sequence after {@link #forward}.
     *
     * @param logitRow its place among those of the batch that sample
     */
    int sample(LiveRequest request, int logitRow) {
        backend.readLogits(logits, logitRow, row.length, row);
        return sampler.sample(row, row.length, request.sampling(), request.seed(), request.generated());
    }
}

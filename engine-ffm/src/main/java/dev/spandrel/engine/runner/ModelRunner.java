package dev.spandrel.engine.runner;

import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.Draws;
import dev.spandrel.engine.model.ForwardInput;
import dev.spandrel.engine.model.KvCache;
import dev.spandrel.engine.model.Model;
import dev.spandrel.engine.sampling.Sampler;
import dev.spandrel.engine.sampling.TopLogprobs;
import dev.spandrel.engine.scheduler.ScheduledBatch;
import dev.spandrel.engine.scheduler.Sequence;
import dev.spandrel.engine.tensor.Buffer;

/** Runs a scheduled batch: lays out its input, passes it through the model, samples. All scratch is carved at start. */
final class ModelRunner implements StepRunner {
    private final Backend backend;
    private final Model model;
    private final KvCache cache;
    private final ForwardInput input;
    private final Sampler sampler;
    private final float[] row;
    private final Draws draws;
    private final int[] drawn;
    private boolean drawing;
    private boolean isDrawn;
    private Buffer logits;

    /** @param maxLogitRows most rows with logits in a step: those that sample, and drafts */
    ModelRunner(
            Backend backend,
            Model model,
            KvCache cache,
            int maxTokens,
            int maxSequences,
            int maxLogitRows,
            int blockSize) {
        this.backend = backend;
        this.model = model;
        this.cache = cache;
        input = new ForwardInput(maxTokens, maxSequences, maxLogitRows, blockSize);
        sampler = new Sampler(model.vocabSize());
        row = new float[model.vocabSize()];
        draws = new Draws(maxLogitRows);
        drawn = new int[maxLogitRows];
    }

    @Override
    public void forward(ScheduledBatch batch) {
        input.clear();
        for (int i = 0; i < batch.sequences().size(); i++) {
            Sequence sequence = batch.sequences().get(i);
            int from = sequence.computed();
            int to = from + batch.tokenCount(i);
            input.add(sequence.tokens(), from, to, sequence.blocks(), batch.logitRows(i));
        }
        logits = pass(backend, model, input, cache);
        drawing = collect(batch) && backend.draw(logits, row.length, draws);
        isDrawn = false;
    }

    /** Whether every row is drawn from as it is, one token a request; then a device may do it and keep the logits. */
    private boolean collect(ScheduledBatch batch) {
        draws.clear();
        for (int i = 0; i < batch.sequences().size(); i++) {
            if (batch.logitRows(i) > 0) {
                LiveRequest request = (LiveRequest) batch.sequences().get(i);
                if (batch.logitRows(i) > 1 || request.wantedLogprobs() > 0) {
                    return false;
                }
                SamplingParams params = request.sampling();
                draws.add(
                        draws.count(),
                        Sampler.inverseTemperature(params),
                        params.topK(),
                        (float) params.topP(),
                        Sampler.uniform(request.seed(), request.generated()));
            }
        }
        return draws.count() > 0;
    }

    /** One pass, told to the backend as such. */
    static Buffer pass(Backend backend, Model model, ForwardInput input, KvCache cache) {
        backend.beginStep(input.metadata(), input.logitRowCount());
        try {
            Buffer logits = model.forward(input, cache);
            backend.endStep();
            return logits;
        } catch (RuntimeException | Error e) {
            backend.abandonStep();
            throw e;
        }
    }

    @Override
    public int sample(LiveRequest request, int logitRow, int position) {
        if (drawing) {
            if (!isDrawn) {
                backend.readDrawn(drawn);
                isDrawn = true;
            }
            return drawn[logitRow];
        }
        backend.readLogits(logits, logitRow, row.length, row);
        if (request.wantedLogprobs() > 0) {
            request.note(TopLogprobs.of(row, row.length, request.wantedLogprobs()));
        }
        return sampler.sample(row, row.length, request.sampling(), request.seed(), position);
    }
}

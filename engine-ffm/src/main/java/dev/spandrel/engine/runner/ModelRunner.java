package dev.spandrel.engine.runner;

import dev.spandrel.engine.LogprobRules;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.Draws;
import dev.spandrel.engine.model.ForwardInput;
import dev.spandrel.engine.model.KvCache;
import dev.spandrel.engine.model.Model;
import dev.spandrel.engine.sampling.LogitsProcessor;
import dev.spandrel.engine.sampling.LogprobReader;
import dev.spandrel.engine.sampling.Sampler;
import dev.spandrel.engine.sampling.TokenHistory;
import dev.spandrel.engine.sampling.TopLogprobs;
import dev.spandrel.engine.scheduler.ScheduledBatch;
import dev.spandrel.engine.scheduler.Sequence;
import dev.spandrel.engine.tensor.Buffer;
import java.util.List;

/** Runs a scheduled batch: lays out its input, passes it through the model, samples. All scratch is carved at start. */
final class ModelRunner implements StepRunner {
    private final Backend backend;
    private final Model model;
    private final KvCache cache;
    private final ForwardInput input;
    private final Sampler sampler;
    private final float[] row;
    private final float[] rawRow;
    private final Draws draws;
    private final int[] drawn;
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
        rawRow = new float[model.vocabSize()];
        draws = new Draws(maxLogitRows, model.vocabSize());
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
    }

    @Override
    public boolean draw(ScheduledBatch batch) {
        isDrawn = false;
        return collect(batch) && backend.draw(logits, row.length, draws);
    }

    @Override
    public int drawn(int index) {
        if (!isDrawn) {
            backend.readDrawn(drawn);
            isDrawn = true;
        }
        return drawn[index];
    }

    @Override
    public boolean runsAhead() {
        return backend.runsAhead();
    }

    /** Whether nobody wants to see a row, and each request one token; then a device may draw it and keep the logits. */
    private boolean collect(ScheduledBatch batch) {
        draws.clear();
        int logitRow = 0;
        for (int i = 0; i < batch.sequences().size(); i++) {
            LiveRequest request = (LiveRequest) batch.sequences().get(i);
            if (batch.logitRows(i) > 0 && request.isInStep()) {
                if (batch.logitRows(i) > 1 || isRead(request)) {
                    return false;
                }
                SamplingParams params = request.sampling();
                note(request);
                draws.add(
                        logitRow,
                        Sampler.inverseTemperature(params),
                        params.topK(),
                        (float) params.topP(),
                        (float) params.minP(),
                        Sampler.uniform(request.seed(), request.generated()),
                        request.plan().changesScores());
            }
            logitRow += batch.logitRows(i);
        }
        return draws.count() > 0 && draws.changes().fits();
    }

    /** In the order of {@link #sampleChanged}. */
    private void note(LiveRequest request) {
        SamplingPlan plan = request.plan();
        if (plan.changesScores()) {
            TokenHistory history = request.before(request.generated());
            draws.changes().startRow();
            if (plan.constraint() != null) {
                plan.constraint().note(draws.changes(), history);
            }
            for (LogitsProcessor processor : plan.processors()) {
                processor.note(draws.changes(), history);
            }
        }
    }

    /** Whether scores are told or changed here, or hidden states are wanted; those have to leave the device. */
    private boolean isRead(LiveRequest request) {
        return request.pooler() != null
                || request.wantedLogprobs() > 0
                || request.sampling().logprobs().prompt().isPresent()
                || request.sampling().logprobs().ofOutput()
                || request.plan().changesScores() && !backend.changesScores();
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
        backend.readLogits(logits, logitRow, row.length, row);
        if (request.wantedLogprobs() > 0) {
            request.note(TopLogprobs.of(row, row.length, request.wantedLogprobs()));
        }
        boolean told = request.sampling().logprobs().ofOutput();
        return told || request.plan().changesScores()
                ? sampleChanged(request, position, told)
                : sampler.sample(row, row.length, request.sampling(), request.seed(), position);
    }

    /**
     * As vLLM: log probabilities are those the model gave, but among the tokens that the output's form allows; then the
     * other processors.
     */
    private int sampleChanged(LiveRequest request, int position, boolean told) {
        if (!Float.isFinite(row[Sampler.argmax(row, row.length)])) {
            return Sampler.NOT_A_NUMBER;
        }
        SamplingPlan plan = request.plan();
        TokenHistory history = request.before(position);
        if (plan.constraint() != null) {
            plan.constraint().process(row, row.length, history);
        }
        float[] raw = row;
        if (told && !plan.processors().isEmpty()) {
            raw = rawRow;
            System.arraycopy(row, 0, raw, 0, row.length);
        }
        for (LogitsProcessor processor : plan.processors()) {
            processor.process(row, row.length, history);
        }
        int token = sampler.sample(row, row.length, request.sampling(), request.seed(), position);
        if (token == Sampler.NOT_A_NUMBER) {
            return Sampler.NOTHING_ALLOWED;
        }
        if (told) {
            LogprobRules rules = request.sampling().logprobs();
            request.note(
                    position,
                    LogprobReader.read(raw, row.length, token, rules.sampled().orElse(0), rules.tokenIds()));
        }
        return token;
    }

    @Override
    public void pool(LiveRequest request, int firstRow, int rows, int index) {
        float[] state = new float[model.hiddenSize()];
        for (int i = 0; i < rows; i++) {
            backend.readLogits(model.lastHidden(), firstRow + i, state.length, state);
            request.pooler().add(index + i, state);
        }
    }

    @Override
    public void score(LiveRequest request, int logitRow, int index) {
        backend.readLogits(logits, logitRow, row.length, row);
        int top = request.sampling().logprobs().prompt().orElseThrow();
        request.notePrompt(index, LogprobReader.read(row, row.length, request.tokens()[index], top, List.of()));
    }
}

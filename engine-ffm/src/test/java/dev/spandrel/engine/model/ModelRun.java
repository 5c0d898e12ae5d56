package dev.spandrel.engine.model;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.tensor.Buffer;
import java.util.stream.IntStream;

/** One sequence through a model, logits of every token. */
record ModelRun(Backend backend, Model model, KvCache cache, int length) {
    private static final int BLOCK_SIZE = 16;

    static ModelRun load(Backend backend, ModelConfig config, int length, KvDType kv) {
        Model model = ModelLoader.load(config, backend, new StepLimits(length, length, length));
        return new ModelRun(backend, model, KvCache.allocate(backend, model, blocks(length), BLOCK_SIZE, kv), length);
    }

    /** Logits of tokens {@code from} to {@code to − 1}; those before must have been computed. */
    float[][] logits(int[] ids, int from, int to) {
        Buffer logits = model.forward(input(ids, from, to), cache);
        float[][] rows = new float[to - from][model.vocabSize()];
        for (int r = 0; r < rows.length; r++) {
            backend.readLogits(logits, r, model.vocabSize(), rows[r]);
        }
        return rows;
    }

    /** Tokens {@code from} to {@code to − 1}, all with logits. */
    ForwardInput input(int[] ids, int from, int to) {
        ForwardInput input = new ForwardInput(length, 1, length, BLOCK_SIZE);
        // Backwards, so that a wrong block shows.
        int[] table = IntStream.range(0, blocks(length))
                .map(i -> blocks(length) - 1 - i)
                .toArray();
        input.add(ids, from, to, table, to - from);
        return input;
    }

    /** Logits of all tokens, computed {@code chunk} at a time. */
    float[][] chunked(int[] ids, int chunk) {
        float[][] rows = new float[ids.length][];
        for (int from = 0; from < ids.length; from += chunk) {
            float[][] part = logits(ids, from, Math.min(ids.length, from + chunk));
            System.arraycopy(part, 0, rows, from, part.length);
        }
        return rows;
    }

    private static int blocks(int length) {
        return (length + BLOCK_SIZE - 1) / BLOCK_SIZE;
    }
}

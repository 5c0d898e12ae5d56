package dev.spandrel.engine.backend.cpu;

import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.HeadLayout;

/**
 * Turns a step's queries and keys and puts its keys and values into their slots: in a verb of its own, or by the task that
 * attends for the same tokens, where {@link #isIndependent}. A task is a token. One object serves all steps, so that none allocates.
 */
final class RopeAndStore implements Workers.Task {
    private float[] qkv;
    private HeadLayout heads;
    private int rotaryDim;
    private float[] angles;
    private AttentionMetadata metadata;
    private PagedKv kv;
    /** Of each block the token that is stored there, plus one; zeros between two questions. */
    private int[] writers = new int[0];

    /**
     * Takes a step on.
     *
     * @param turned columns of a head that are turned; 0 for none, and {@code by} is not read
     */
    RopeAndStore of(float[] rows, HeadLayout layout, int turned, float[] by, AttentionMetadata step, PagedKv to) {
        qkv = rows;
        heads = layout;
        rotaryDim = turned;
        angles = by;
        metadata = step;
        kv = to;
        return this;
    }

    /** One token. */
    @Override
    public void run(int token, int worker) {
        int at = token * heads.columns();
        for (int h = 0; rotaryDim > 0 && h < heads.heads() + heads.kvHeads(); h++) {
            PointwiseKernels.rotate(qkv, at + h * heads.headDim(), rotaryDim / 2, angles, token * rotaryDim);
        }
        int key = at + heads.queryColumns();
        for (int h = 0; h < heads.kvHeads(); h++, key += heads.headDim()) {
            kv.store(qkv, key, key + heads.kvColumns(), h, metadata.slot(token));
        }
    }

    /** Whether no token sees what is stored for another, so that each may be stored as late as it attends. */
    boolean isIndependent() {
        if (writers.length < kv.blocks()) {
            writers = new int[kv.blocks()];
        }
        int tokens = metadata.tokenCount();
        boolean alone = true;
        for (int t = 0; t < tokens; t++) {
            int block = metadata.slot(t) / kv.blockSize();
            alone &= writers[block] == 0;
            writers[block] = t + 1;
        }
        for (int t = 0; t < tokens && alone; t++) {
            alone = seesNoOther(t);
        }
        for (int t = 0; t < tokens; t++) {
            writers[metadata.slot(t) / kv.blockSize()] = 0;
        }
        return alone;
    }

    private boolean seesNoOther(int token) {
        int[] table = metadata.blockTable(token);
        for (int b = 0; b <= metadata.position(token) / kv.blockSize(); b++) {
            int writer = writers[table[b]];
            if (writer != 0 && writer != token + 1) {
                return false;
            }
        }
        return true;
    }
}

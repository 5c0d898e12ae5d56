package dev.spandrel.engine.backend;

import dev.spandrel.engine.sampling.ScoreChanges;

/**
 * Rows of logits that tokens are drawn from, and how: what is changed before, then greedy, or by temperature, then min-p, top-k and
 * top-p. Filled anew for each pass; room is carved once.
 */
public final class Draws {
    /** 8 bytes each on their way to a device: 4 MiB. */
    private static final int MOST_CHANGES = 1 << 19;
    /** Places for counts of tokens, of all rows together; 8 bytes each on a device: 8 MiB. */
    public static final int MOST_COUNTS = 1 << 20;

    private final int[] rows;
    private final float[] inverseTemperatures;
    private final int[] topKs;
    private final float[] topPs;
    private final float[] minPs;
    private final double[] uniforms;
    private final int[] changed;
    private final ScoreChanges changes;
    private int count;

    /** @param most rows of a pass, none of which is changed before */
    public Draws(int most) {
        this(most, 0);
    }

    /**
     * @param most rows of a pass
     * @param vocabSize length of a row
     */
    public Draws(int most, int vocabSize) {
        rows = new int[most];
        inverseTemperatures = new float[most];
        topKs = new int[most];
        topPs = new float[most];
        minPs = new float[most];
        uniforms = new double[most];
        changed = new int[most];
        changes = new ScoreChanges(vocabSize, MOST_CHANGES, MOST_COUNTS);
    }

    /** Forgets the last pass. */
    public void clear() {
        count = 0;
        changes.clear();
    }

    /** Adds a row that nobody changes, of all tokens whatever their probability. */
    public void add(int row, float inverseTemperature, int topK, float topP, double uniform) {
        add(row, inverseTemperature, topK, topP, 0, uniform, false);
    }

    /**
     * Adds a row.
     *
     * @param inverseTemperature 0 = the likeliest token
     * @param topK 0 = all
     * @param topP 1 = all
     * @param minP least probability, as a share of the likeliest token's; 0 = all
     * @param uniform the random number, in [0, 1)
     * @param isChanged whether the row last started in {@link #changes} is meant to change it
     */
    public void add(
            int row, float inverseTemperature, int topK, float topP, float minP, double uniform, boolean isChanged) {
        rows[count] = row;
        inverseTemperatures[count] = inverseTemperature;
        topKs[count] = topK;
        topPs[count] = topP;
        minPs[count] = minP;
        uniforms[count] = uniform;
        changed[count++] = isChanged ? changes.rows() - 1 : -1;
    }

    /** What is done to rows before; each of its rows is taken by one {@link #add}. */
    public ScoreChanges changes() {
        return changes;
    }

    /** Rows added. */
    public int count() {
        return count;
    }

    public int row(int index) {
        return rows[index];
    }

    public float inverseTemperature(int index) {
        return inverseTemperatures[index];
    }

    public int topK(int index) {
        return topKs[index];
    }

    public float topP(int index) {
        return topPs[index];
    }

    public float minP(int index) {
        return minPs[index];
    }

    public double uniform(int index) {
        return uniforms[index];
    }

    /** The row of {@link #changes} that changes this one, or −1. */
    public int changed(int index) {
        return changed[index];
    }
}

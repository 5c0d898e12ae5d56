package dev.spandrel.engine.backend;

/**
 * Rows of logits that tokens are drawn from, and how: greedy, or by temperature, then top-k, then top-p. Filled anew for each pass;
 * room is carved once.
 */
public final class Draws {
    private final int[] rows;
    private final float[] inverseTemperatures;
    private final int[] topKs;
    private final float[] topPs;
    private final double[] uniforms;
    private int count;

    /** @param most rows of a pass */
    public Draws(int most) {
        rows = new int[most];
        inverseTemperatures = new float[most];
        topKs = new int[most];
        topPs = new float[most];
        uniforms = new double[most];
    }

    /** Forgets the last pass. */
    public void clear() {
        count = 0;
    }

    /**
     * Adds a row.
     *
     * @param inverseTemperature 0 = the likeliest token
     * @param topK 0 = all
     * @param topP 1 = all
     * @param uniform the random number, in [0, 1)
     */
    public void add(int row, float inverseTemperature, int topK, float topP, double uniform) {
        rows[count] = row;
        inverseTemperatures[count] = inverseTemperature;
        topKs[count] = topK;
        topPs[count] = topP;
        uniforms[count++] = uniform;
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

    public double uniform(int index) {
        return uniforms[index];
    }
}

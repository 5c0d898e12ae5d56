package dev.spandrel.engine.sampling;

import java.util.Arrays;

/**
 * What is done to some rows of scores before tokens are drawn, as numbers per token, so that a device can do it: tokens that are
 * not allowed become −∞, then {@code score + bias}; then, for each token that came before, a positive score is divided by the
 * repetition and another multiplied, and where it came in the output {@code frequency × count + presence} is taken away. Filled
 * anew for each pass by the engine thread; the counts are the requests' own, so that a device may keep a copy and follow it.
 */
public final class ScoreChanges {
    private final int vocabSize;
    private final int mostChanges;
    private final int mostRoom;
    private final int[] changeOf;

    private long[] masks = {};
    private int maskWords;
    private int rows;
    private int[] maskAt = new int[8];
    private int[] begins = new int[9];
    private TokenCounts[] countsOf = new TokenCounts[8];
    /** Repetition, frequency and presence of each row. */
    private float[] penalties = new float[24];

    private int room;

    private int[] tokens = new int[64];
    private float[] biases = new float[64];
    private int count;

    /**
     * @param vocabSize tokens that have scores
     * @param mostChanges changed tokens of all rows together, beyond which {@link #fits} says no
     * @param mostRoom the same of the {@link TokenCounts#room} of all rows' counts together
     */
    public ScoreChanges(int vocabSize, int mostChanges, int mostRoom) {
        this.vocabSize = vocabSize;
        this.mostChanges = mostChanges;
        this.mostRoom = mostRoom;
        changeOf = new int[vocabSize];
    }

    /** Forgets the last pass. */
    public void clear() {
        forgetRow();
        Arrays.fill(countsOf, 0, rows, null);
        maskWords = 0;
        rows = 0;
        count = 0;
        room = 0;
    }

    /** The next row begins. */
    public void startRow() {
        forgetRow();
        if (rows == maskAt.length) {
            maskAt = Arrays.copyOf(maskAt, 2 * rows);
            begins = Arrays.copyOf(begins, 2 * rows + 1);
            countsOf = Arrays.copyOf(countsOf, 2 * rows);
            penalties = Arrays.copyOf(penalties, 6 * rows);
        }
        maskAt[rows] = -1;
        begins[rows++] = count;
        begins[rows] = count;
    }

    private void forgetRow() {
        for (int i = rows == 0 ? 0 : begins[rows - 1]; i < count; i++) {
            changeOf[tokens[i]] = 0;
        }
    }

    /** Excludes every token whose bit is not set; what was excluded before stays so. */
    public void allowOnly(long[] bits) {
        int words = (vocabSize + 63) / 64;
        int row = rows - 1;
        if (maskAt[row] < 0) {
            if (masks.length < maskWords + words) {
                masks = Arrays.copyOf(masks, Math.max(maskWords + words, 2 * masks.length));
            }
            maskAt[row] = maskWords;
            Arrays.fill(masks, maskWords, maskWords + words, -1);
            maskWords += words;
        }
        for (int i = 0; i < words; i++) {
            masks[maskAt[row] + i] &= i < bits.length ? bits[i] : 0;
        }
    }

    /** Adds to a token's score; −∞ excludes it. Comes before {@link #penalize}. */
    public void add(int token, float bias) {
        int at = change(token);
        biases[at] += bias;
    }

    /** Penalizes the tokens that came; once per row. */
    public void penalize(TokenCounts counts, float repetition, float frequency, float presence) {
        int row = rows - 1;
        countsOf[row] = counts;
        penalties[3 * row] = repetition;
        penalties[3 * row + 1] = frequency;
        penalties[3 * row + 2] = presence;
        room += counts.room();
    }

    private int change(int token) {
        if (changeOf[token] == 0) {
            if (count == tokens.length) {
                tokens = Arrays.copyOf(tokens, 2 * count);
                biases = Arrays.copyOf(biases, 2 * count);
            }
            tokens[count] = token;
            biases[count] = 0;
            changeOf[token] = ++count;
            begins[rows] = count;
        }
        return changeOf[token] - 1;
    }

    /** Whether there are no more of them than somebody made room for. */
    public boolean fits() {
        return count <= mostChanges && room <= mostRoom;
    }

    /** Rows that are changed. */
    public int rows() {
        return rows;
    }

    /** Where a row's allowed tokens begin in {@link #masks}, or −1 where all are. */
    public int maskAt(int row) {
        return maskAt[row];
    }

    /** Allowed tokens by bit; the first {@link #maskWords} count. */
    public long[] masks() {
        return masks;
    }

    public int maskWords() {
        return maskWords;
    }

    /** Number of a row's first change. */
    public int begin(int row) {
        return begins[row];
    }

    /** One more than the number of a row's last change. */
    public int end(int row) {
        return begins[row + 1];
    }

    /** Changes of all rows. */
    public int count() {
        return count;
    }

    public int token(int change) {
        return tokens[change];
    }

    public float bias(int change) {
        return biases[change];
    }

    /** Counts of the tokens that a row penalizes, or null. */
    public TokenCounts counts(int row) {
        return countsOf[row];
    }

    public float repetition(int row) {
        return penalties[3 * row];
    }

    public float frequency(int row) {
        return penalties[3 * row + 1];
    }

    public float presence(int row) {
        return penalties[3 * row + 2];
    }
}

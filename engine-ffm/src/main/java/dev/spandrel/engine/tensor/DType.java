package dev.spandrel.engine.tensor;

/**
 * Element types of weights: plain ones, named as in safetensors headers, and GGUF's, which store elements in blocks with
 * scales of their own, named as there. A block lies within one row, so rows of such a tensor have whole blocks.
 */
public enum DType {
    /** IEEE 754 binary32. */
    F32(1, 4),
    /** IEEE 754 binary16. */
    F16(1, 2),
    /** The upper half of an F32. */
    BF16(1, 2),
    /** F16 scale, 32 signed bytes. */
    Q8_0(32, 34),
    /** F16 scale, 32 × 4 bits around 8. */
    Q4_0(32, 18),
    /** F16 scale and minimum, 32 × 4 bits. */
    Q4_1(32, 20),
    /** F16 scale, 32 × 5 bits around 16. */
    Q5_0(32, 22),
    /** F16 scale and minimum, 32 × 5 bits. */
    Q5_1(32, 24),
    /** F16 scale and minimum, for each 16 of 256 a factor of four bits on both, 2 bits an element. */
    Q2_K(256, 84),
    /** F16 scale, for each 16 of 256 a factor of six bits around 32, 3 bits an element around 4. */
    Q3_K(256, 110),
    /** F16 scale and minimum, for each 32 of 256 a factor of six bits on both, 4 bits an element. */
    Q4_K(256, 144),
    /** As {@link #Q4_K}, 5 bits an element. */
    Q5_K(256, 176),
    /** F16 scale, for each 16 of 256 a signed byte as factor on it, 6 bits an element around 32. */
    Q6_K(256, 210);

    private final int blockElements;
    private final int blockBytes;

    DType(int blockElements, int blockBytes) {
        this.blockElements = blockElements;
        this.blockBytes = blockBytes;
    }

    /** Elements that are stored together; 1 for plain types. */
    public int blockElements() {
        return blockElements;
    }

    /** Bytes of one block; of one element for plain types. */
    public int blockBytes() {
        return blockBytes;
    }

    /** Whether elements share scales. */
    public boolean isQuantized() {
        return blockElements > 1;
    }

    /**
     * Bytes of {@code elements} elements, a whole number of blocks.
     *
     * @throws ArithmeticException when they do not fit a long
     */
    public long bytes(long elements) {
        if (elements % blockElements != 0) {
            throw new IllegalArgumentException(
                    this + " stores blocks of " + blockElements + " elements, found " + elements);
        }
        return Math.multiplyExact(elements / blockElements, blockBytes);
    }

    /** The plain type of that name, or null. */
    public static DType plain(String name) {
        for (DType candidate : values()) {
            if (!candidate.isQuantized() && candidate.name().equals(name)) {
                return candidate;
            }
        }
        return null;
    }
}

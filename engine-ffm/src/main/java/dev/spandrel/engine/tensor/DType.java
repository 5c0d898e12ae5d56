package dev.spandrel.engine.tensor;

/** Element types of weights, named as in safetensors headers. */
public enum DType {
    /** IEEE 754 binary32. */
    F32(4),
    /** IEEE 754 binary16. */
    F16(2),
    /** The upper half of an F32. */
    BF16(2);

    private final int byteSize;

    DType(int byteSize) {
        this.byteSize = byteSize;
    }

    /** Bytes of one element. */
    public int byteSize() {
        return byteSize;
    }
}

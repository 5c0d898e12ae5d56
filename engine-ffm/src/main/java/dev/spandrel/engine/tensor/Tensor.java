package dev.spandrel.engine.tensor;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A row-major tensor over memory it does not own; whoever mapped or allocated the segment closes it.
 *
 * @param dtype element type
 * @param shape sizes of the dimensions, outermost first; empty for a scalar
 * @param data exactly {@link DType#bytes} of its elements, little-endian
 */
public record Tensor(DType dtype, List<Long> shape, MemorySegment data) {
    public Tensor {
        shape = List.copyOf(shape);
        if (dtype.isQuantized() && (shape.isEmpty() || shape.getLast() % dtype.blockElements() != 0)) {
            throw new IllegalArgumentException(
                    dtype + " " + shape + ": expected rows of whole blocks of " + dtype.blockElements());
        }
        long expected = dtype.bytes(elements(shape));
        if (data.byteSize() != expected) {
            throw new IllegalArgumentException(
                    dtype + " " + shape + " takes " + expected + " bytes, found " + data.byteSize());
        }
    }

    /** Number of elements. */
    public long elements() {
        return elements(shape);
    }

    /** Size of dimension {@code axis}. */
    public int size(int axis) {
        return Math.toIntExact(shape.get(axis));
    }

    /**
     * Product of a shape's dimensions.
     *
     * @throws ArithmeticException when it does not fit a long
     */
    public static long elements(List<Long> shape) {
        long product = 1;
        for (long dimension : shape) {
            product = Math.multiplyExact(product, dimension);
        }
        return product;
    }
}

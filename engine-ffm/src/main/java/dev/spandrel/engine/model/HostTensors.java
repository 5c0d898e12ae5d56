package dev.spandrel.engine.model;

import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Elements;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** F32 copies of tensors on the heap, changed on the way to the backend; for weights stored in another form than used. */
final class HostTensors {
    private HostTensors() {}

    /** {@code tensor + 1}. */
    static Tensor plusOne(Tensor tensor) {
        float[] values = floats(tensor);
        for (int i = 0; i < values.length; i++) {
            values[i] += 1;
        }
        return new Tensor(DType.F32, tensor.shape(), MemorySegment.ofArray(values));
    }

    /** Rows become columns; plain types stay what they are, others become F32. */
    static Tensor transposed(Tensor matrix) {
        int rows = matrix.size(0);
        int columns = matrix.size(1);
        List<Long> shape = List.of((long) columns, (long) rows);
        if (matrix.dtype() == DType.F16 || matrix.dtype() == DType.BF16) {
            short[] from = matrix.data().toArray(ValueLayout.JAVA_SHORT_UNALIGNED);
            short[] to = new short[from.length];
            for (int r = 0; r < rows; r++) {
                for (int c = 0; c < columns; c++) {
                    to[c * rows + r] = from[r * columns + c];
                }
            }
            return new Tensor(matrix.dtype(), shape, MemorySegment.ofArray(to));
        }
        float[] from = floats(matrix);
        float[] to = new float[from.length];
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < columns; c++) {
                to[c * rows + r] = from[r * columns + c];
            }
        }
        return new Tensor(DType.F32, shape, MemorySegment.ofArray(to));
    }

    private static float[] floats(Tensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.elements())];
        Elements.toFloats(tensor, 0, values.length, values, 0);
        return values;
    }
}

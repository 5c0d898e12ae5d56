package dev.spandrel.engine.backend;

import dev.spandrel.engine.tensor.DType;
import java.util.List;

/**
 * What weights are kept as; names follow vLLM's {@code --dtype} and {@code --quantization}. Vectors (norms, biases) are F32
 * always, since they are small and every output passes them; a table that is only looked up is never quantized on load.
 *
 * @param dtype {@code auto} (as stored), {@code float32}, {@code bfloat16} or {@code float16}
 * @param quantization {@code none}, {@code int8} (a scale per row) or {@code int4} (a scale per 32 of a row, as Q4_0)
 */
public record WeightPolicy(String dtype, String quantization) {
    /** Names that {@code --dtype} takes. */
    public static final List<String> DTYPES = List.of("auto", "float32", "bfloat16", "float16");
    /** Names that {@code --quantization} takes. */
    public static final List<String> QUANTIZATIONS = List.of("none", "int8", "int4");
    /** Everything as stored. */
    public static final WeightPolicy AS_STORED = new WeightPolicy("auto", "none");
    /** Everything widened. */
    public static final WeightPolicy F32 = new WeightPolicy("float32", "none");

    public WeightPolicy {
        if (!DTYPES.contains(dtype) || !QUANTIZATIONS.contains(quantization)) {
            throw new IllegalArgumentException("expected one of " + DTYPES + " and one of " + QUANTIZATIONS + ", found "
                    + dtype + " and " + quantization);
        }
    }

    /** What a matrix of a matmul is kept as. */
    public WeightFormat matrix(DType stored) {
        return switch (quantization) {
            case "int8" -> WeightFormat.INT8;
            case "int4" -> WeightFormat.Q4_0;
            default -> table(stored);
        };
    }

    /** What a table of embeddings that is no matrix of a matmul is kept as. */
    public WeightFormat table(DType stored) {
        return switch (dtype) {
            case "float32" -> WeightFormat.F32;
            case "bfloat16" -> WeightFormat.BF16;
            case "float16" -> WeightFormat.F16;
            default -> WeightFormat.of(stored);
        };
    }

    /** Bytes that a tensor of this type and shape will take. */
    public long bytes(DType stored, List<Long> shape) {
        long rows = shape.isEmpty() ? 1 : shape.getFirst();
        return shape.size() < 2
                ? Math.multiplyExact(rows, Float.BYTES)
                : Math.multiplyExact(rows, matrix(stored).rowBytes(Math.toIntExact(shape.getLast())));
    }
}

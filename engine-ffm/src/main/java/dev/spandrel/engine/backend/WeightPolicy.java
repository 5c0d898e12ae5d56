package dev.spandrel.engine.backend;

import dev.spandrel.engine.tensor.DType;
import java.util.List;

/**
 * What weights are kept as, and what meets them; names follow vLLM's {@code --dtype} and {@code --quantization}. Vectors (norms, biases) are F32
 * always, since they are small and every output passes them; a table that is only looked up is never quantized on load.
 *
 * @param dtype {@code auto} (as stored), {@code float32}, {@code bfloat16} or {@code float16}
 * @param quantization {@code none}, {@code int8} (a scale per row) or {@code int4} (a scale per 32 of a row, as Q4_0)
 * @param activationDtype {@code auto} (inputs of matmuls as exact as the backend takes them), or {@code int8}: rounded to bytes
 *     where they meet weights in bytes or fewer bits
 */
public record WeightPolicy(String dtype, String quantization, String activationDtype) {
    /** Names that {@code --dtype} takes. */
    public static final List<String> DTYPES = List.of("auto", "float32", "bfloat16", "float16");
    /** Names that {@code --quantization} takes. */
    public static final List<String> QUANTIZATIONS = List.of("none", "int8", "int4");
    /** Names that {@code --activation-dtype} takes. */
    public static final List<String> ACTIVATION_DTYPES = List.of("auto", "int8");
    /** Everything as stored. */
    public static final WeightPolicy AS_STORED = new WeightPolicy("auto", "none");
    /** Everything widened. */
    public static final WeightPolicy F32 = new WeightPolicy("float32", "none");

    public WeightPolicy {
        if (!DTYPES.contains(dtype)
                || !QUANTIZATIONS.contains(quantization)
                || !ACTIVATION_DTYPES.contains(activationDtype)) {
            throw new IllegalArgumentException("expected one of " + DTYPES + ", of " + QUANTIZATIONS + " and of "
                    + ACTIVATION_DTYPES + ", found " + dtype + ", " + quantization + " and " + activationDtype);
        }
    }

    /** With exact inputs. */
    public WeightPolicy(String dtype, String quantization) {
        this(dtype, quantization, "auto");
    }

    /** Whether inputs are rounded to bytes at all. */
    public boolean roundsInputs() {
        return activationDtype.equals("int8");
    }

    /** Whether those that meet weights of this format are, as {@link ByteRounding} says. */
    public boolean roundsInputs(WeightFormat format) {
        return roundsInputs()
                && format != WeightFormat.F32
                && format != WeightFormat.F16
                && format != WeightFormat.BF16;
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

package dev.spandrel.engine.checkpoint;

import dev.spandrel.engine.tensor.DType;
import java.util.Map;

/** Numbers of tensor types in GGUF files (ggml.h, ggml_type). */
final class GgufType {
    private static final Map<Long, DType> READ = Map.ofEntries(
            Map.entry(0L, DType.F32),
            Map.entry(1L, DType.F16),
            Map.entry(2L, DType.Q4_0),
            Map.entry(3L, DType.Q4_1),
            Map.entry(6L, DType.Q5_0),
            Map.entry(7L, DType.Q5_1),
            Map.entry(8L, DType.Q8_0),
            Map.entry(10L, DType.Q2_K),
            Map.entry(11L, DType.Q3_K),
            Map.entry(12L, DType.Q4_K),
            Map.entry(13L, DType.Q5_K),
            Map.entry(14L, DType.Q6_K),
            Map.entry(30L, DType.BF16));

    /** Known by name alone, so that a message can say what a file has. */
    private static final Map<Long, String> OTHERS = Map.ofEntries(
            Map.entry(9L, "Q8_1"),
            Map.entry(15L, "Q8_K"),
            Map.entry(16L, "IQ2_XXS"),
            Map.entry(17L, "IQ2_XS"),
            Map.entry(18L, "IQ3_XXS"),
            Map.entry(19L, "IQ1_S"),
            Map.entry(20L, "IQ4_NL"),
            Map.entry(21L, "IQ3_S"),
            Map.entry(22L, "IQ2_S"),
            Map.entry(23L, "IQ4_XS"),
            Map.entry(24L, "I8"),
            Map.entry(25L, "I16"),
            Map.entry(26L, "I32"),
            Map.entry(27L, "I64"),
            Map.entry(28L, "F64"),
            Map.entry(29L, "IQ1_M"),
            Map.entry(34L, "TQ1_0"),
            Map.entry(35L, "TQ2_0"),
            Map.entry(39L, "MXFP4"));

    private GgufType() {}

    /** The type when this version reads it, else null. */
    static DType dtype(long number) {
        return READ.get(number);
    }

    static String name(long number) {
        DType dtype = READ.get(number);
        return dtype != null ? dtype.name() : OTHERS.getOrDefault(number, "type " + number);
    }
}

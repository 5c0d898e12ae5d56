package dev.spandrel.engine.backend;

/**
 * What {@code --activation-dtype int8} does to the inputs of a matmul, as a plain loop: each block of 32 inputs of a row becomes
 * signed bytes under one F32 scale, its largest magnitude / 127, as llama.cpp rounds them; 32 so that one large input spoils
 * no more than its block. Kernels keep the bytes; here they are multiplied out again. Zeros, and what lies next to them, stay zeros;
 * a block with an infinity or no number becomes no numbers.
 */
public final class ByteRounding {
    /** Inputs under one scale. */
    public static final int BLOCK = WeightFormat.BLOCK;

    private ByteRounding() {}

    /** Rounds {@code columns} inputs from {@code at} on, to {@code into} from {@code to} on. */
    public static void round(float[] x, int at, int columns, float[] into, int to) {
        for (int from = 0; from < columns; from += BLOCK) {
            int count = Math.min(BLOCK, columns - from);
            float largest = 0;
            for (int i = 0; i < count; i++) {
                largest = Math.max(largest, Math.abs(x[at + from + i]));
            }
            float scale = largest / 127;
            float factor = 127 / largest;
            boolean nothing = factor == Float.POSITIVE_INFINITY;
            for (int i = 0; i < count; i++) {
                into[to + from + i] =
                        nothing ? 0 : factor > 0 ? (float) Math.rint(x[at + from + i] * factor) * scale : Float.NaN;
            }
        }
    }
}

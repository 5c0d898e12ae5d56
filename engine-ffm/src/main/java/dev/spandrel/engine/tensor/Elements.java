package dev.spandrel.engine.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Reads tensor elements as F32, whatever they are stored as; at load time, not in kernels. */
public final class Elements {
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Elements() {}

    /**
     * Widens {@code count} elements from {@code first} on.
     *
     * @param into receives them from index {@code at}
     */
    public static void toFloats(Tensor tensor, long first, int count, float[] into, int at) {
        MemorySegment data = tensor.data();
        switch (tensor.dtype()) {
            case F32 -> MemorySegment.copy(data, F32, first * 4, into, at, count);
            case F16 -> {
                for (int i = 0; i < count; i++) {
                    into[at + i] = Float.float16ToFloat(data.get(I16, (first + i) * 2));
                }
            }
            case BF16 -> {
                for (int i = 0; i < count; i++) {
                    into[at + i] = Float.intBitsToFloat(data.get(I16, (first + i) * 2) << 16);
                }
            }
            default -> QuantizedBlocks.toFloats(tensor, first, count, into, at);
        }
    }
}

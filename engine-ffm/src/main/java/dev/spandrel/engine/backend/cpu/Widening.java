package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.ORDER;
import static dev.spandrel.engine.backend.cpu.VectorConstants.PANEL;
import static dev.spandrel.engine.backend.cpu.VectorConstants.SPECIES;

import dev.spandrel.engine.backend.WeightFormat;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Turns a strip of a narrow panel into F32, exactly, so that the tiles of {@link MatMulKernels} can go over it. Everything
 * happens in int lanes of the preferred width (shift, mask, convert): two BF16 as one int lane ran at 2.2 times the speed of
 * a conversion between shapes, and it needs no vector of 32 bits where the preferred one has 128.
 */
final class Widening {
    /** Inputs of a strip: 16 KiB of F32, which leave half of the first-level cache to the activations. */
    static final int STRIP = 64;

    static final long STRIP_BYTES = (long) STRIP * PANEL * 4;

    private static final VectorSpecies<Integer> INTS = SPECIES.withLanes(int.class);
    private static final long ROW = PANEL * 4;

    private Widening() {}

    /**
     * Widens inputs {@code from} to {@code from + count − 1} of a panel.
     *
     * @param from a multiple of STRIP
     * @param to receives count × PANEL F32
     * @param factors scratch of 2 × PANEL
     */
    static void strip(PackedMatrix w, int panel, int from, int count, MemorySegment to, float[] factors) {
        long at = w.panelAt(panel);
        switch (w.format()) {
            case F32 -> throw new IllegalArgumentException("F32 needs no widening");
            case F16 -> halves(w.data(), at / 2 + (long) from * PANEL, count * PANEL, to);
            case BF16 -> bfloats(w.data(), at + from / 2 * ROW, (count + 1) / 2, to);
            case INT8 -> bytes(w.data(), at, at + (1 + from / 4) * ROW, (count + 3) / 4, to, 0);
            case Q8_0 -> {
                for (int k = 0; k < count; k += WeightFormat.BLOCK) {
                    long block = at
                            + (from + k)
                                    / WeightFormat.BLOCK
                                    * (PackedMatrix.BLOCK_SCALES + PackedMatrix.Q8_STEPS * ROW);
                    q8(w.data(), block, to, k * ROW);
                }
            }
            case Q4_0 -> {
                for (int k = 0; k < count; k += WeightFormat.BLOCK) {
                    long block = at
                            + (from + k)
                                    / WeightFormat.BLOCK
                                    * (PackedMatrix.BLOCK_SCALES + PackedMatrix.Q4_STEPS * ROW);
                    q4(w.data(), block, to, k * ROW);
                }
            }
            default -> {
                BlockLayout layout = BlockLayout.of(w.format());
                for (int k = 0; k < count; k += BlockLayout.RUN) {
                    long block = at + (from + k) / layout.inputs() * layout.blockBytes();
                    planes(w.data(), layout, block, at + layout.runAt(from + k), to, k * ROW, factors);
                }
            }
        }
    }

    private static void bfloats(MemorySegment from, long at, int steps, MemorySegment to) {
        long out = 0;
        for (int s = 0; s < steps; s++, at += ROW, out += 2 * ROW) {
            for (long v = 0; v < ROW; v += LANES * 4L) {
                IntVector pair = IntVector.fromMemorySegment(INTS, from, at + v, ORDER);
                pair.lanewise(VectorOperators.LSHL, 16).intoMemorySegment(to, out + v, ORDER);
                pair.and(0xFFFF0000).intoMemorySegment(to, out + ROW + v, ORDER);
            }
        }
    }

    private static void halves(MemorySegment from, long first, int count, MemorySegment to) {
        for (int i = 0; i < count; i += LANES) {
            half(PagedKv.ints(from, first + i)).intoMemorySegment(to, i * 4L, ORDER);
        }
    }

    /**
     * The F16 in the lower half of each lane. Exponents of F16 and F32 differ by 112; the product is exact, subnormals
     * included. An exponent of all ones (infinity, NaN) would become a finite number, so it is carried on by hand.
     */
    static FloatVector half(IntVector bits) {
        IntVector magnitude = bits.and(0x7FFF).lanewise(VectorOperators.LSHL, 13);
        FloatVector scaled = magnitude.reinterpretAsFloats().mul(0x1p112f);
        IntVector special = magnitude.or(0x7F800000);
        IntVector value = scaled.reinterpretAsInts().blend(special, magnitude.compare(VectorOperators.GE, 0x0F800000));
        return value.or(bits.and(0x8000).lanewise(VectorOperators.LSHL, 16)).reinterpretAsFloats();
    }

    /** Steps of unsigned bytes under one F32 scale per output, from byte {@code scales} on. */
    private static void bytes(MemorySegment from, long scales, long at, int steps, MemorySegment to, long out) {
        for (int s = 0; s < steps; s++, at += ROW, out += 4 * ROW) {
            for (long v = 0; v < ROW; v += LANES * 4L) {
                IntVector four = IntVector.fromMemorySegment(INTS, from, at + v, ORDER);
                FloatVector scale = FloatVector.fromMemorySegment(SPECIES, from, scales + v, ORDER);
                put(four.and(255).sub(128), scale, to, out + v);
                put(four.lanewise(VectorOperators.LSHR, 8).and(255).sub(128), scale, to, out + ROW + v);
                put(four.lanewise(VectorOperators.LSHR, 16).and(255).sub(128), scale, to, out + 2 * ROW + v);
                put(four.lanewise(VectorOperators.LSHR, 24).sub(128), scale, to, out + 3 * ROW + v);
            }
        }
    }

    private static void q8(MemorySegment from, long block, MemorySegment to, long out) {
        for (int s = 0; s < PackedMatrix.Q8_STEPS; s++, out += 4 * ROW) {
            long at = block + PackedMatrix.BLOCK_SCALES + s * ROW;
            for (long v = 0; v < ROW; v += LANES * 4L) {
                IntVector four = IntVector.fromMemorySegment(INTS, from, at + v, ORDER);
                FloatVector scale = blockScales(from, block + v / 2);
                put(four.and(255).sub(128), scale, to, out + v);
                put(four.lanewise(VectorOperators.LSHR, 8).and(255).sub(128), scale, to, out + ROW + v);
                put(four.lanewise(VectorOperators.LSHR, 16).and(255).sub(128), scale, to, out + 2 * ROW + v);
                put(four.lanewise(VectorOperators.LSHR, 24).sub(128), scale, to, out + 3 * ROW + v);
            }
        }
    }

    private static void q4(MemorySegment from, long block, MemorySegment to, long out) {
        long high = WeightFormat.BLOCK / 2 * ROW;
        for (int s = 0; s < PackedMatrix.Q4_STEPS; s++, out += 4 * ROW) {
            long at = block + PackedMatrix.BLOCK_SCALES + s * ROW;
            for (long v = 0; v < ROW; v += LANES * 4L) {
                IntVector eight = IntVector.fromMemorySegment(INTS, from, at + v, ORDER);
                FloatVector scale = blockScales(from, block + v / 2);
                for (int j = 0; j < 4; j++) {
                    IntVector low = eight.lanewise(VectorOperators.LSHR, 8 * j);
                    put(low.and(15).sub(8), scale, to, out + j * ROW + v);
                    IntVector upper = low.lanewise(VectorOperators.LSHR, 4);
                    put(upper.and(15).sub(8), scale, to, out + high + j * ROW + v);
                }
            }
        }
    }

    /**
     * One run of a block of planes.
     *
     * @param factors scratch: scales of 64 outputs, then what is added
     */
    private static void planes(
            MemorySegment from, BlockLayout b, long block, long run, MemorySegment to, long out, float[] factors) {
        int inGroup = b.group() / 4;
        for (int i = 0; i < BlockLayout.FOURS; i++) {
            if (i % inGroup == 0) {
                for (int lane = 0; lane < PANEL; lane++) {
                    factors[lane] = b.scale(from, block, run, i / inGroup, lane);
                    factors[PANEL + lane] = b.minimum(from, block, run, i / inGroup, lane);
                }
            }
            long base = run + (long) (i * b.base() / 8) * BlockLayout.STEP;
            if (b.extra() == 0) {
                four(from, base, i * b.base() % 8, b, to, out + 4 * i * ROW, factors);
            } else {
                long extra = run + (long) (b.base() + i * b.extra() / 8) * BlockLayout.STEP;
                four(from, base, i * b.base() % 8, extra, i * b.extra() % 8, b, to, out + 4 * i * ROW, factors);
            }
        }
    }

    /** Four inputs whose quants are all in one plane, from bit {@code shift} of their bytes on. */
    private static void four(
            MemorySegment from, long at, int shift, BlockLayout b, MemorySegment to, long out, float[] factors) {
        int mask = (1 << b.base()) - 1;
        for (int v = 0; v < PANEL; v += LANES) {
            IntVector bits = IntVector.fromMemorySegment(INTS, from, at + b.planeAt(v), ORDER);
            for (int j = 0; j < 4; j++) {
                IntVector quant =
                        bits.lanewise(VectorOperators.LSHR, shift + 8 * j).and(mask);
                putLess(quant, b.zero(), factors, v, to, out + j * ROW + 4L * v);
            }
        }
    }

    /** As above, with more bits in another plane. */
    private static void four(
            MemorySegment from,
            long at,
            int shift,
            long extraAt,
            int extraShift,
            BlockLayout b,
            MemorySegment to,
            long out,
            float[] factors) {
        int mask = (1 << b.base()) - 1;
        int extraMask = (1 << b.extra()) - 1;
        int base = b.base();
        for (int v = 0; v < PANEL; v += LANES) {
            IntVector bits = IntVector.fromMemorySegment(INTS, from, at + b.planeAt(v), ORDER);
            IntVector extra = IntVector.fromMemorySegment(INTS, from, extraAt + b.planeAt(v), ORDER);
            for (int j = 0; j < 4; j++) {
                IntVector upper = extra.lanewise(VectorOperators.LSHR, extraShift + 8 * j)
                        .and(extraMask)
                        .lanewise(VectorOperators.LSHL, base);
                IntVector quant = bits.lanewise(VectorOperators.LSHR, shift + 8 * j)
                        .and(mask)
                        .or(upper);
                putLess(quant, b.zero(), factors, v, to, out + j * ROW + 4L * v);
            }
        }
    }

    private static void putLess(IntVector quants, int zero, float[] factors, int v, MemorySegment to, long at) {
        ((FloatVector) quants.sub(zero).convertShape(VectorOperators.I2F, SPECIES, 0))
                .mul(FloatVector.fromArray(SPECIES, factors, v))
                .add(FloatVector.fromArray(SPECIES, factors, PANEL + v))
                .intoMemorySegment(to, at, ORDER);
    }

    private static void put(IntVector values, FloatVector scale, MemorySegment to, long at) {
        ((FloatVector) values.convertShape(VectorOperators.I2F, SPECIES, 0))
                .mul(scale)
                .intoMemorySegment(to, at, ORDER);
    }

    /** As many F16 scales as a vector has lanes. */
    private static FloatVector blockScales(MemorySegment from, long at) {
        return half(PagedKv.ints(from, at / 2));
    }
}

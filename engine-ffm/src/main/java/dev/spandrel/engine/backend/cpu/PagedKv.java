package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.ORDER;
import static dev.spandrel.engine.backend.cpu.VectorConstants.SPECIES;

import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.KvLayer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Keys and values of one layer: keys as [block][kv head][head dim][block size], so that a vector holds as many keys; values
 * as [block][kv head][block size][padded head dim]. F32 is read where it lies; narrower types are widened block by block
 * into a worker's scratch, which has the same layout.
 */
final class PagedKv implements KvLayer {
    private static final VectorSpecies<Integer> INTS = SPECIES.withLanes(int.class);
    private static final VectorSpecies<Short> SHORTS =
            VectorSpecies.of(short.class, VectorShape.forBitSize(SPECIES.vectorBitSize() / 2));
    /** There are no vectors of 32 bits; with four lanes bytes are widened one by one. */
    private static final boolean BYTE_VECTORS = LANES >= 8;

    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, SPECIES.vectorBitSize() / 4)));

    private final KvDType dtype;
    private final HeadLayout heads;
    private final int blocks;
    private final int blockSize;
    private final int paddedDim;
    private final MemorySegment keys;
    private final MemorySegment values;
    private final MemorySegment keyScales;
    private final MemorySegment valueScales;

    PagedKv(LargeMemory memory, int blocks, int blockSize, HeadLayout heads, KvDType dtype) {
        this.dtype = dtype;
        this.heads = heads;
        this.blocks = blocks;
        this.blockSize = blockSize;
        paddedDim = VectorConstants.roundUp(heads.headDim());
        long rows = (long) blocks * heads.kvHeads() * blockSize;
        keys = memory.allocate(rows * heads.headDim() * dtype.byteSize());
        values = memory.allocate(rows * paddedDim * dtype.byteSize());
        long scales = dtype == KvDType.INT8 ? rows * 4 : 0;
        keyScales = memory.allocate(scales);
        valueScales = memory.allocate(scales);
    }

    KvDType dtype() {
        return dtype;
    }

    int blocks() {
        return blocks;
    }

    int blockSize() {
        return blockSize;
    }

    int paddedDim() {
        return paddedDim;
    }

    /** Bytes of scratch for one block of one head's keys or values, whichever is more. */
    long scratchBytes() {
        return (long) blockSize * paddedDim * 4;
    }

    private long row(int block, int head) {
        return ((long) block * heads.kvHeads() + head) * blockSize;
    }

    /** Puts one token's keys and values of one head away, read from {@code from} at two places. */
    void store(float[] from, int keyAt, int valueAt, int head, int slot) {
        int offset = slot % blockSize;
        long row = row(slot / blockSize, head);
        long key = row * heads.headDim() + offset;
        long value = (row + offset) * paddedDim;
        switch (dtype) {
            case F32 -> storeFloats(from, keyAt, valueAt, key, value);
            case BF16 -> storeBf16(from, keyAt, valueAt, key, value);
            case F16, INT8 -> storeOthers(from, keyAt, valueAt, key, value, row + offset);
        }
    }

    private void storeFloats(float[] from, int keyAt, int valueAt, long key, long value) {
        MemorySegment.copy(from, valueAt, values, ValueLayout.JAVA_FLOAT, value * 4, heads.headDim());
        for (int d = 0; d < heads.headDim(); d++) {
            keys.setAtIndex(ValueLayout.JAVA_FLOAT, key + (long) d * blockSize, from[keyAt + d]);
        }
    }

    private void storeBf16(float[] from, int keyAt, int valueAt, long key, long value) {
        for (int d = 0; d < heads.headDim(); d++) {
            keys.setAtIndex(ValueLayout.JAVA_SHORT, key + (long) d * blockSize, KvDType.toBf16(from[keyAt + d]));
            values.setAtIndex(ValueLayout.JAVA_SHORT, value + d, KvDType.toBf16(from[valueAt + d]));
        }
    }

    private void storeOthers(float[] from, int keyAt, int valueAt, long key, long value, long scaleAt) {
        float keyScale = 0;
        float valueScale = 0;
        if (dtype == KvDType.INT8) {
            keyScale = KvDType.int8Scale(from, keyAt, heads.headDim());
            valueScale = KvDType.int8Scale(from, valueAt, heads.headDim());
            keyScales.setAtIndex(ValueLayout.JAVA_FLOAT, scaleAt, keyScale);
            valueScales.setAtIndex(ValueLayout.JAVA_FLOAT, scaleAt, valueScale);
        }
        for (int d = 0; d < heads.headDim(); d++) {
            put(keys, key + (long) d * blockSize, from[keyAt + d], keyScale);
            put(values, value + d, from[valueAt + d], valueScale);
        }
    }

    private void put(MemorySegment to, long index, float value, float scale) {
        switch (dtype) {
            case F16 -> to.setAtIndex(ValueLayout.JAVA_SHORT, index, KvDType.toF16(value));
            case INT8 -> to.set(ValueLayout.JAVA_BYTE, index, KvDType.toInt8(value, scale));
            case F32, BF16 -> throw new IllegalStateException(dtype + " has loops of its own");
        }
    }

    /** Where a kernel finds the F32 keys of a block: here, or in {@code scratch} after widening. */
    MemorySegment keys(int block, int head, MemorySegment scratch) {
        if (dtype == KvDType.F32) {
            return keys;
        }
        long first = row(block, head) * heads.headDim();
        if (dtype == KvDType.INT8) {
            for (int d = 0; d < heads.headDim(); d++) {
                long at = (long) d * blockSize;
                widenBytes(keys, first + at, keyScales, row(block, head), true, blockSize, scratch, at);
            }
        } else {
            widenShorts(keys, first, blockSize * heads.headDim(), scratch);
        }
        return scratch;
    }

    /** Byte offset of a block's keys in what {@link #keys} returned. */
    long keysAt(int block, int head) {
        return dtype == KvDType.F32 ? row(block, head) * heads.headDim() * 4 : 0;
    }

    /** As {@link #keys}, for values. */
    MemorySegment values(int block, int head, int count, MemorySegment scratch) {
        if (dtype == KvDType.F32) {
            return values;
        }
        long first = row(block, head) * paddedDim;
        if (dtype == KvDType.INT8) {
            for (int p = 0; p < count; p++) {
                long at = (long) p * paddedDim;
                widenBytes(values, first + at, valueScales, row(block, head) + p, false, paddedDim, scratch, at);
            }
        } else {
            widenShorts(values, first, count * paddedDim, scratch);
        }
        return scratch;
    }

    /** Byte offset of a block's values in what {@link #values} returned. */
    long valuesAt(int block, int head) {
        return dtype == KvDType.F32 ? row(block, head) * paddedDim * 4 : 0;
    }

    /** Where a block's keys lie as they are stored. */
    long keysAddress(int block, int head) {
        return keys.address() + row(block, head) * heads.headDim() * dtype.byteSize();
    }

    /** Where a block's values lie as they are stored. */
    long valuesAddress(int block, int head) {
        return values.address() + row(block, head) * paddedDim * dtype.byteSize();
    }

    private void widenShorts(MemorySegment from, long first, int count, MemorySegment to) {
        if (dtype == KvDType.BF16) {
            for (int i = 0; i < count; i += LANES) {
                ints(from, first + i)
                        .lanewise(VectorOperators.LSHL, 16)
                        .reinterpretAsFloats()
                        .intoMemorySegment(to, i * 4L, ORDER);
            }
            return;
        }
        for (int i = 0; i < count; i += LANES) {
            IntVector bits = ints(from, first + i);
            // Exponents of F16 and F32 differ by 112; the product is exact, subnormals included.
            var magnitude = bits.and(0x7FFF).lanewise(VectorOperators.LSHL, 13).reinterpretAsFloats();
            IntVector sign = bits.and(0x8000).lanewise(VectorOperators.LSHL, 16);
            magnitude
                    .mul(0x1p112f)
                    .reinterpretAsInts()
                    .or(sign)
                    .reinterpretAsFloats()
                    .intoMemorySegment(to, i * 4L, ORDER);
        }
    }

    /** As many unsigned shorts as a vector has int lanes, from index {@code index} on. */
    static IntVector ints(MemorySegment from, long index) {
        return (IntVector) ShortVector.fromMemorySegment(SHORTS, from, index * 2, ORDER)
                .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
    }

    /** Widens a row of bytes; the scale is one per element or one for the row. */
    private static void widenBytes(
            MemorySegment from,
            long first,
            MemorySegment scales,
            long scaleAt,
            boolean scalePerElement,
            int count,
            MemorySegment to,
            long toAt) {
        float one = scales.getAtIndex(ValueLayout.JAVA_FLOAT, scaleAt);
        if (!BYTE_VECTORS) {
            for (int i = 0; i < count; i++) {
                float scale = scalePerElement ? scales.getAtIndex(ValueLayout.JAVA_FLOAT, scaleAt + i) : one;
                to.setAtIndex(ValueLayout.JAVA_FLOAT, toAt + i, from.get(ValueLayout.JAVA_BYTE, first + i) * scale);
            }
            return;
        }
        for (int i = 0; i < count; i += LANES) {
            var wide = (jdk.incubator.vector.FloatVector) ByteVector.fromMemorySegment(BYTES, from, first + i, ORDER)
                    .convertShape(VectorOperators.B2F, SPECIES, 0);
            var scaled = scalePerElement
                    ? wide.mul(jdk.incubator.vector.FloatVector.fromMemorySegment(
                            SPECIES, scales, (scaleAt + i) * 4, ORDER))
                    : wide.mul(one);
            scaled.intoMemorySegment(to, (toAt + i) * 4, ORDER);
        }
    }
}

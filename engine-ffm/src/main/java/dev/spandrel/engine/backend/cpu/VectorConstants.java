package dev.spandrel.engine.backend.cpu;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Shapes every kernel agrees on. A species anywhere but in a static final field costs a factor of 15. */
final class VectorConstants {
    /** As wide as this machine likes. */
    static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

    /** Floats in a vector. */
    static final int LANES = SPECIES.length();

    /** Bytes in a vector. */
    static final long VECTOR_BYTES = 4L * LANES;

    /** Columns of C that one tile computes: four vectors, which with six rows fill the 32 registers of AVX-512. */
    static final int TILE_COLUMNS = 4 * LANES;

    /** Columns in a packed panel of weights: at least 64, so that panels are the same on 128, 256 and 512 bits. */
    static final int PANEL = Math.max(64, TILE_COLUMNS);

    /** Off-heap arrays start on a cache line: 512-bit loads that straddle lines cost 12 to 15 %. */
    static final long ALIGNMENT = 64;

    static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    private VectorConstants() {}

    /** {@code value} rounded up to whole vectors. */
    static int roundUp(int value) {
        return (value + LANES - 1) / LANES * LANES;
    }
}

package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.Weight;
import dev.spandrel.engine.backend.WeightFormat;
import dev.spandrel.engine.cuda.CudaMemory;
import java.util.List;

/** A weight in device memory: parts of one format each, one below the other. */
record CudaWeight(int rows, int columns, List<Part> parts) implements Weight {
    /**
     * Rows of one format.
     *
     * @param pitch elements from one row to the next
     * @param data the rows
     * @param scales F32 per row (INT8), F16 per 32 columns (Q8_0, Q4_0), or null
     */
    record Part(int rows, WeightFormat format, int pitch, CudaMemory data, CudaMemory scales) {
        long bytes() {
            return data.bytes() + (scales == null ? 0 : scales.bytes());
        }

        long scalesAddress() {
            return scales == null ? 0 : scales.address();
        }
    }

    CudaWeight {
        parts = List.copyOf(parts);
    }

    static CudaWeight of(Weight weight) {
        return (CudaWeight) weight;
    }

    /** Address of a vector's F32 values; 0 for null. */
    static long vector(Weight weight) {
        return weight == null ? 0 : of(weight).parts.getFirst().data.address();
    }

    @Override
    public long bytes() {
        return parts.stream().mapToLong(Part::bytes).sum();
    }
}

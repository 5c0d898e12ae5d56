package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.cuda.CudaSettings;

/**
 * How the CUDA backend is to work.
 *
 * @param settings where libraries and compiled kernels are
 * @param weights what weights are kept as
 * @param memoryUtilization share of the device's memory that this process may use, above 0 up to 1
 * @param exact products of 16-bit weights with F32 inputs, row by row, so that a row has the same bits alone and in a batch;
 *     else products of more than eight rows run on tensor cores, with inputs rounded to the weights' type
 * @param records decode steps that are kept as recorded, to be replayed; 0 = none is recorded
 * @param slabBytes device memory is taken in pieces of this size; 0 = each allocation by itself
 * @param scratchBytes room for the pieces of long contexts in attention
 * @param stepBytes room for token ids, positions, block tables and angles of the largest step
 * @param workspaceBytes room for cuBLASLt
 * @param stagingBytes each of the two pinned buffers that weights go through
 */
public record CudaOptions(
        CudaSettings settings,
        WeightPolicy weights,
        double memoryUtilization,
        boolean exact,
        int records,
        long slabBytes,
        long scratchBytes,
        long stepBytes,
        long workspaceBytes,
        long stagingBytes) {
    /** 10 batch sizes × 12 contexts. */
    private static final int RECORDS = 120;

    private static final long SLAB_BYTES = 64L << 20;
    private static final long SCRATCH_BYTES = 64L << 20;
    private static final long STEP_BYTES = 16L << 20;
    /** What NVIDIA recommends for Hopper; more gains nothing. */
    private static final long WORKSPACE_BYTES = 32L << 20;
    /** Large enough for the bus to run at its speed; two of them are all the host memory that loading takes. */
    private static final long STAGING_BYTES = 8L << 20;

    public CudaOptions {
        if (!(memoryUtilization > 0 && memoryUtilization <= 1)) {
            throw new IllegalArgumentException(
                    "--gpu-memory-utilization must be above 0 and at most 1, found " + memoryUtilization);
        }
    }

    /** As users get it. */
    public static CudaOptions of(CudaSettings settings, WeightPolicy weights, double memoryUtilization) {
        return new CudaOptions(
                settings,
                weights,
                memoryUtilization,
                false,
                RECORDS,
                SLAB_BYTES,
                SCRATCH_BYTES,
                STEP_BYTES,
                WORKSPACE_BYTES,
                STAGING_BYTES);
    }
}

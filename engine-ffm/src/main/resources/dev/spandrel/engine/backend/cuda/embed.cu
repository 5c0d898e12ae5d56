// out[t] = table[ids[t]], or added to what is there. One block per token, VECTOR columns a thread and turn. An id of −1 − k is the
// k-th token last drawn, which the host need not have read; where none could be drawn (below 0) its row is nobody's: row 0.
// Truth: ReferenceBackend.embed. Tried on the host emulation only; no times yet.
#include "weights.cuh"

extern "C" __global__ void KERNEL_BOUNDS(256) embed(const char *table, const void *scales, int pitch, int columns, const int *ids,
                                                    const int *drawn, int accumulate, float *out) {
    wait_for_predecessor();
    let_successor_begin();
    int id = ids[blockIdx.x];
    if (id < 0) id = drawn[-1 - id];
    if (id < 0) id = 0;
    const char *row = table + (long long) id * ROW_BYTES(pitch);
    float *to = out + (long long) blockIdx.x * columns;
    for (int k = threadIdx.x * VECTOR; k < columns; k += blockDim.x * VECTOR) {
        float values[VECTOR];
        widen_weights(load_weights(row, k), row, ROW_SCALES(scales, id, pitch), k, values);
#pragma unroll
        for (int i = 0; i < VECTOR; i++)
            if (k + i < columns) to[k + i] = accumulate ? to[k + i] + values[i] : values[i];
    }
}

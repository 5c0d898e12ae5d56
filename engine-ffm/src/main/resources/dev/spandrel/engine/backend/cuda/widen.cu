// Some rows of a quantized matrix as BF16, for tensor cores; rows are padded to out_pitch with zeros. One block per row.
// Truth: WeightFormat.decode, rounded to BF16. Tried on the host emulation only; no times yet.
#include "weights.cuh"

extern "C" __global__ void KERNEL_BOUNDS(256) widen(const char *weight, const void *scales, int pitch, int first, int columns,
                                                    int out_pitch, u16 *out) {
    wait_for_predecessor();
    let_successor_begin();
    int at = first + blockIdx.x;
    const char *row = weight + at * ROW_BYTES(pitch);
    u16 *to = out + (long long) blockIdx.x * out_pitch;
    for (int k = threadIdx.x * VECTOR; k < out_pitch; k += blockDim.x * VECTOR) {
        float values[VECTOR];
        if (k < columns) widen_weights(load_weights(row, k), row, ROW_SCALES(scales, at, pitch), k, values);
#pragma unroll
        for (int i = 0; i < VECTOR; i++)
            if (k + i < out_pitch) to[k + i] = k + i < columns ? float_to_bf16(values[i]) : 0;
    }
}

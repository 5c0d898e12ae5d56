// Layer norm and RMS norm of rows, and RMS norm of the query and key heads within projected rows.
// Truth: ReferenceBackend.layerNorm, rmsNorm, normHeads. One block of 256 threads per row, or per head of a row.
// Tried on the host emulation only; no times yet.
#include "normalize.cuh"

extern "C" __global__ void KERNEL_BOUNDS(256) norm_rows(const float *in, int columns, int kind, const float *weight, const float *bias,
                                                   float epsilon, float *out) {
    __shared__ float scratch[NORM_WARPS];
    wait_for_predecessor();
    let_successor_begin();
    long long at = (long long) blockIdx.x * columns;
    normalize_row(in + at, columns, kind, weight, bias, epsilon, out + at, scratch);
}

// Grid: rows × stretches. Stretches of query_width columns come first, query_count of them, then those of key_width.
extern "C" __global__ void KERNEL_BOUNDS(256) norm_heads(float *qkv, int row_columns, int query_columns, int query_width,
                                                         int query_count, const float *query_weight, int key_width,
                                                         const float *key_weight, float epsilon) {
    __shared__ float scratch[NORM_WARPS];
    wait_for_predecessor();
    let_successor_begin();
    int stretch = blockIdx.y;
    bool query = stretch < query_count;
    int width = query ? query_width : key_width;
    int first = query ? stretch * query_width : query_columns + (stretch - query_count) * key_width;
    float *at = qkv + (long long) blockIdx.x * row_columns + first;
    normalize_row(at, width, RMS_NORM, query ? query_weight : key_weight, 0, epsilon, at, scratch);
}

// out = activation(norm(in) × weightᵀ + bias), or added to what is in out, for up to eight rows at a time: the products of decode,
// bound by reading the weights once. A warp makes one or more output columns; a lane reads 16 bytes of weights at a time, and the
// lanes' sums meet in a fixed order, so that a row has the same bits alone and beside others.
// The norm, where there is one, is computed by every block for itself: the row lies in L2, and a launch less is saved.
// With a gate, columns n and n + columns of the weight are one pair, and out[n] = activation(first) × second.
// Eight rows of inputs come from L1 as often as a warp has columns to multiply them with: with two columns of BF16 that takes an H200 72
// cycles for weights which its memory brings in 62, with four 80 for 124. So matmul_8_wide has four, where there are enough columns for
// nearly every multiprocessor all the same. A column's sums are the same either way.
// Truth: ReferenceBackend.matmul, gate, layerNorm, rmsNorm. Tried on the host emulation only; no times yet.
#pragma once
#include "normalize.cuh"
#include "weights.cuh"

#define THREADS 256
#define WARPS (THREADS / WARP)

// VECTOR values of x from column k on; beyond the row they are 0, as the weights there are.
__device__ __forceinline__ void load_inputs(const float *x, int k, int inner, bool aligned, float *into) {
    if (aligned && k + VECTOR <= inner) {
#pragma unroll
        for (int i = 0; i < VECTOR; i += 4) {
            float4 v = *(const float4 *) (x + k + i);
            into[i] = v.x;
            into[i + 1] = v.y;
            into[i + 2] = v.z;
            into[i + 3] = v.w;
        }
    } else {
#pragma unroll
        for (int i = 0; i < VECTOR; i++) into[i] = k + i < inner ? x[k + i] : 0.0f;
    }
}

// sums[c][r] = row r of x times the c-th of the weight's rows; each lane holds its share.
template <int ROWS, int COLUMNS>
__device__ __forceinline__ void products(const float *x, int rows, int inner, const char *const *row, const void *const *scales,
                                         float (*sums)[ROWS]) {
    bool aligned = inner % 4 == 0;
#pragma unroll
    for (int c = 0; c < COLUMNS; c++)
#pragma unroll
        for (int r = 0; r < ROWS; r++) sums[c][r] = 0.0f;
#pragma unroll 2
    for (int k = (threadIdx.x % WARP) * VECTOR; k < inner; k += WARP * VECTOR) {
        uint4 raw[COLUMNS];
#pragma unroll
        for (int c = 0; c < COLUMNS; c++) raw[c] = load_weights(row[c], k);
        float w[COLUMNS][VECTOR];
#pragma unroll
        for (int c = 0; c < COLUMNS; c++) widen_weights(raw[c], row[c], scales[c], k, w[c]);
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            if (r < rows) {
                float v[VECTOR];
                load_inputs(x + (long long) r * inner, k, inner, aligned, v);
#pragma unroll
                for (int c = 0; c < COLUMNS; c++)
#pragma unroll
                    for (int i = 0; i < VECTOR; i++) sums[c][r] = fmaf(v[i], w[c][i], sums[c][r]);
            }
        }
    }
#pragma unroll
    for (int c = 0; c < COLUMNS; c++)
#pragma unroll
        for (int r = 0; r < ROWS; r++) sums[c][r] = warp_sum(sums[c][r]);
}

template <int ROWS, int COLUMNS>
__device__ __forceinline__ void matmul(const float *in, int rows, int inner, int norm_kind, const float *norm_weight,
                                       const float *norm_bias, float epsilon, const char *weight, const void *scales, int pitch,
                                       const float *bias, int columns, int activation, int accumulate, int gate, int out_pitch, float *out) {
    __shared__ float scratch[NORM_WARPS];
    DYNAMIC_SHARED(float, normed);
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    int step = gate ? COLUMNS / 2 : COLUMNS;
    int first = (blockIdx.x * WARPS + warp) * step;
    // Weights are written by no kernel: ask for the first ones while the predecessor still runs.
    if (first < columns && lane * 128 < ROW_BYTES(pitch)) prefetch(weight + first * ROW_BYTES(pitch) + lane * 128);
    wait_for_predecessor();
    let_successor_begin();
    const float *x = in;
    if (norm_kind != NO_NORM) {
        for (int r = 0; r < rows; r++)
            normalize_row(in + (long long) r * inner, inner, norm_kind, norm_weight, norm_bias, epsilon, normed + r * inner, scratch);
        __syncthreads();
        x = normed;
    }
    for (int n = first; n < columns; n += gridDim.x * WARPS * step) {
        const char *row[COLUMNS];
        const void *scale[COLUMNS];
#pragma unroll
        for (int c = 0; c < COLUMNS; c++) {
            // The last columns are computed twice rather than past the end.
            int own = n + (gate ? c / 2 : c);
            int at = min(own, columns - 1) + (gate ? c % 2 * columns : 0);
            row[c] = weight + at * ROW_BYTES(pitch);
            scale[c] = ROW_SCALES(scales, at, pitch);
        }
        float sums[COLUMNS][ROWS];
        products<ROWS, COLUMNS>(x, rows, inner, row, scale, sums);
        if (lane == 0) {
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                if (r < rows && gate) {
#pragma unroll
                    for (int c = 0; c < COLUMNS; c += 2) {
                        int at = n + c / 2;
                        if (at < columns) {
                            float one = bias ? sums[c][r] + bias[at] : sums[c][r];
                            float two = bias ? sums[c + 1][r] + bias[at + columns] : sums[c + 1][r];
                            out[(long long) r * out_pitch + at] = activate(activation, one) * two;
                        }
                    }
                } else if (r < rows) {
#pragma unroll
                    for (int c = 0; c < COLUMNS; c++) {
                        if (n + c < columns) {
                            float value = activate(activation, bias ? sums[c][r] + bias[n + c] : sums[c][r]);
                            float *to = out + (long long) r * out_pitch + n + c;
                            *to = accumulate ? *to + value : value;
                        }
                    }
                }
            }
        }
    }
}

#define ARGUMENTS in, rows, inner, norm_kind, norm_weight, norm_bias, epsilon, weight, scales, pitch, bias, columns, activation, accumulate, gate, out_pitch, out

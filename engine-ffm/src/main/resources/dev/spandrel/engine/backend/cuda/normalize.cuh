// Normalisation of one row by one block of 256 threads. Two kernels do it, alone and in front of a product; both give the same
// bits, since both use this.
#pragma once
#include "spandrel.cuh"

#define NORM_THREADS 256
#define NORM_WARPS (NORM_THREADS / WARP)
#define NO_NORM 0
#define LAYER_NORM 1
#define RMS_NORM 2

// Sum over the block; scratch holds NORM_WARPS floats.
__device__ __forceinline__ float block_sum(float value, float *scratch) {
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    value = warp_sum(value);
    if (lane == 0) scratch[warp] = value;
    __syncthreads();
    float sum = warp_sum(lane < NORM_WARPS ? scratch[lane] : 0.0f);
    __syncthreads();
    return sum;
}

// weight and bias may be null: 1 and 0. in may be out.
__device__ __forceinline__ void normalize_row(const float *in, int columns, int kind, const float *weight, const float *bias,
                                              float epsilon, float *out, float *scratch) {
    float mean = 0.0f;
    if (kind == LAYER_NORM) {
        float sum = 0.0f;
        for (int c = threadIdx.x; c < columns; c += NORM_THREADS) sum += in[c];
        mean = block_sum(sum, scratch) / columns;
    }
    float squares = 0.0f;
    for (int c = threadIdx.x; c < columns; c += NORM_THREADS) {
        float away = in[c] - mean;
        squares = fmaf(away, away, squares);
    }
    float factor = 1.0f / sqrtf(block_sum(squares, scratch) / columns + epsilon);
    for (int c = threadIdx.x; c < columns; c += NORM_THREADS) {
        float value = (in[c] - mean) * factor;
        if (weight) value *= weight[c];
        out[c] = bias ? value + bias[c] : value;
    }
}

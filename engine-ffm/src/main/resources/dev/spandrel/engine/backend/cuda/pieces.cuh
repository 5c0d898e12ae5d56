// Attention in pieces of 128 positions, which lie at multiples of 128 and meet in their order. Who computes a row by what stands here
// gives it the same bits, whether for one token or for a tile of a prompt.
#pragma once
#include "cache.cuh"

#define PIECE 128
// Lanes that share a score's sum: lane i has elements i · KV_VECTOR + k · TEAM · KV_VECTOR and the KV_VECTOR − 1 behind each; the lanes'
// sums meet as a butterfly has them, halves first.
#define TEAM 8

// As many teams share a piece's positions, each taking every so-many-th; their sums meet in the order of the teams.
__device__ __forceinline__ int value_teams(int head_dim) { return 128 / (head_dim / KV_VECTOR); }

__device__ __forceinline__ float finish_score(float sum, float scale, float cap) {
    float score = sum * scale;
    return cap == 0.0f ? score : cap * tanhf(score / cap);
}

// Scores of a piece, STRIDE apart, become e^(score − largest), by one warp; −∞ becomes 0.
__device__ __forceinline__ void soften_row(float *scores, int stride, float &largest, float &total) {
    int lane = threadIdx.x % WARP;
    largest = -INFINITY;
    for (int p = lane; p < PIECE; p += WARP) largest = fmaxf(largest, scores[p * stride]);
    largest = warp_max(largest);
    total = 0.0f;
    for (int p = lane; p < PIECE; p += WARP) {
        float score = scores[p * stride];
        float e = score == -INFINITY ? 0.0f : expf(score - largest);
        scores[p * stride] = e;
        total += e;
    }
    total = warp_sum(total);
}

// Takes one piece into what has been gathered: both are weighed by e^(their largest − the common largest).
__device__ __forceinline__ float gathered(float sum, float old_factor, float piece, float piece_factor) {
    return fmaf(piece, piece_factor, __fmul_rn(sum, old_factor));
}

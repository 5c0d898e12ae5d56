// The types of GGUF that are read as they are stored: a run of 32 elements at once, from the bytes of its block. Sums and products
// are rounded one by one, as ggml's own reading does; each branch says the layout of one type.
#pragma once
#include "spandrel.cuh"

#if defined(WEIGHT_Q4_1)
#define BLOCK_BYTES 20
#elif defined(WEIGHT_Q5_0)
#define BLOCK_BYTES 22
#elif defined(WEIGHT_Q5_1)
#define BLOCK_BYTES 24
#elif defined(WEIGHT_Q2_K)
#define BLOCK_BYTES 84
#elif defined(WEIGHT_Q3_K)
#define BLOCK_BYTES 110
#elif defined(WEIGHT_Q4_K)
#define BLOCK_BYTES 144
#elif defined(WEIGHT_Q5_K)
#define BLOCK_BYTES 176
#elif defined(WEIGHT_Q6_K)
#define BLOCK_BYTES 210
#endif
#if defined(WEIGHT_Q4_1) || defined(WEIGHT_Q5_0) || defined(WEIGHT_Q5_1)
#define BLOCK_ELEMENTS 32
#else
#define BLOCK_ELEMENTS 256
#endif

__device__ __forceinline__ float half_at(const unsigned char *at) { return half_to_float((u16) (at[0] | (at[1] << 8))); }

// Eight scales of six bits, then eight minima, in twelve bytes: the last four keep their upper bits in the first.
__device__ __forceinline__ int k_scale(const unsigned char *at, int part) {
    return part < 4 ? at[part] & 63 : (at[part + 4] & 15) | ((at[part - 4] >> 6) << 4);
}
__device__ __forceinline__ int k_minimum(const unsigned char *at, int part) {
    return part < 4 ? at[part + 4] & 63 : (at[part + 4] >> 4) | ((at[part] >> 6) << 4);
}

// Sixteen numbers of six bits in twelve bytes: lower four of the first eight, of the others, then the upper two.
__device__ __forceinline__ int six_bits(const unsigned char *at, int index) {
    return (at[index % 8] >> (index / 8 * 4) & 15) | (at[8 + index % 4] >> (index / 4 * 2) & 3) << 4;
}

// Elements k to k + 31 of a row; k is a multiple of 32.
__device__ __forceinline__ void widen_run(const char *row, int k, float *into) {
    const unsigned char *block = (const unsigned char *) row + (long long) (k / BLOCK_ELEMENTS) * BLOCK_BYTES;
#if BLOCK_ELEMENTS > 32
    int part = k % BLOCK_ELEMENTS / 32;
#endif
#if defined(WEIGHT_Q4_1)
    float scale = half_at(block), minimum = half_at(block + 2);
    for (int i = 0; i < 16; i++) {
        into[i] = scale * (block[4 + i] & 15) + minimum;
        into[i + 16] = scale * (block[4 + i] >> 4) + minimum;
    }
#elif defined(WEIGHT_Q5_0) || defined(WEIGHT_Q5_1)
#if defined(WEIGHT_Q5_0)
    const unsigned char *at = block + 2;
    const int zero = 16;
    const float minimum = -0.0f;
#else
    const unsigned char *at = block + 4;
    const int zero = 0;
    const float minimum = half_at(block + 2);
#endif
    float scale = half_at(block);
    unsigned fifth = at[0] | (at[1] << 8) | (at[2] << 16) | ((unsigned) at[3] << 24);
    for (int i = 0; i < 16; i++) {
        int low = (at[4 + i] & 15) | (int) ((fifth >> i & 1u) << 4);
        int high = (at[4 + i] >> 4) | (int) ((fifth >> (i + 16) & 1u) << 4);
        into[i] = scale * (low - zero) + minimum;
        into[i + 16] = scale * (high - zero) + minimum;
    }
#elif defined(WEIGHT_Q2_K)
    float scale = half_at(block + 80), minimum = half_at(block + 82);
    for (int i = 0; i < 32; i++) {
        int factors = block[2 * part + i / 16], bits = block[16 + part / 4 * 32 + i] >> (2 * (part % 4)) & 3;
        into[i] = scale * (factors & 15) * bits - minimum * (factors >> 4);
    }
#elif defined(WEIGHT_Q3_K)
    float scale = half_at(block + 108);
    for (int i = 0; i < 32; i++) {
        int bits = (block[32 + part / 4 * 32 + i] >> (2 * (part % 4)) & 3) | (block[i] >> part & 1) << 2;
        into[i] = scale * (six_bits(block + 96, 2 * part + i / 16) - 32) * (bits - 4);
    }
#elif defined(WEIGHT_Q4_K)
    float scale = half_at(block) * k_scale(block + 4, part), minimum = half_at(block + 2) * k_minimum(block + 4, part);
    for (int i = 0; i < 32; i++) into[i] = scale * (block[16 + part / 2 * 32 + i] >> (part % 2 * 4) & 15) - minimum;
#elif defined(WEIGHT_Q5_K)
    float scale = half_at(block) * k_scale(block + 4, part), minimum = half_at(block + 2) * k_minimum(block + 4, part);
    for (int i = 0; i < 32; i++) {
        int fifth = block[16 + i] >> part & 1;
        into[i] = scale * ((block[48 + part / 2 * 32 + i] >> (part % 2 * 4) & 15) | fifth << 4) - minimum;
    }
#elif defined(WEIGHT_Q6_K)
    int half = part / 4, quarter = part % 4;
    const unsigned char *low = block + 64 * half + quarter % 2 * 32, *high = block + 128 + 32 * half;
    const signed char *scales = (const signed char *) block + 192 + 2 * part;
    float scale = half_at(block + 208);
    for (int i = 0; i < 32; i++) {
        int bits = (low[i] >> (quarter / 2 * 4) & 15) | (high[i] >> (2 * quarter) & 3) << 4;
        into[i] = scale * scales[i / 16] * (bits - 32);
    }
#endif
}

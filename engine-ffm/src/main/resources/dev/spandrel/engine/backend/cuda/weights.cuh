// Weights as they lie in device memory, by the type that a module is compiled for: VECTOR weights at once, widened to F32. A row
// begins at a multiple of 16 bytes and is padded with zeros, and scales of quantized rows lie beside, one stretch per row; GGUF's other
// types lie as they are stored.
#pragma once
#include "spandrel.cuh"

#if defined(WEIGHT_F32)
#define VECTOR 4
#define ROW_BYTES(pitch) ((long long) (pitch) * 4)
#elif defined(WEIGHT_BF16) || defined(WEIGHT_F16)
#define VECTOR 8
#define ROW_BYTES(pitch) ((long long) (pitch) * 2)
#elif defined(WEIGHT_INT8) || defined(WEIGHT_Q8_0)
#define VECTOR 16
#define ROW_BYTES(pitch) ((long long) (pitch))
#elif defined(WEIGHT_Q4_0)
#define VECTOR 32
#define ROW_BYTES(pitch) ((long long) (pitch) / 2)
#else
#define VECTOR 32
#define STORED_BLOCKS
#include "blocks.cuh"
#ifndef BLOCK_BYTES
#error "compile with WEIGHT_ and the name of a format"
#endif
#define ROW_BYTES(pitch) ((long long) ((pitch) / BLOCK_ELEMENTS) * BLOCK_BYTES)
#endif

// INT8: one F32 a row. Q8_0 and Q4_0: one F16 for each 32 columns.
#if defined(WEIGHT_INT8)
#define ROW_SCALES(scales, row, pitch) ((const void *) ((const float *) (scales) + (row)))
#else
#define ROW_SCALES(scales, row, pitch) ((const void *) ((const u16 *) (scales) + (long long) (row) * ((pitch) / 32)))
#endif

// The sixteen bytes that VECTOR weights take, from column k on; k is a multiple of VECTOR.
__device__ __forceinline__ uint4 load_weights(const char *row, int k) {
#if defined(STORED_BLOCKS)
    // Blocks begin at any byte; they are read where they are widened.
    uint4 none = {0, 0, 0, 0};
    return none;
#elif defined(WEIGHT_Q4_0)
    return load_once(row + k / 2);
#elif defined(WEIGHT_INT8) || defined(WEIGHT_Q8_0)
    return load_once(row + k);
#elif defined(WEIGHT_F32)
    return load_once(row + 4ll * k);
#else
    return load_once(row + 2ll * k);
#endif
}

__device__ __forceinline__ void widen_weights(uint4 raw, const char *row, const void *scales, int k, float *into) {
#if defined(STORED_BLOCKS)
    widen_run(row, k, into);
#else
    unsigned words[4] = {raw.x, raw.y, raw.z, raw.w};
#if defined(WEIGHT_F32)
    for (int i = 0; i < 4; i++) into[i] = __uint_as_float(words[i]);
#elif defined(WEIGHT_BF16)
    for (int i = 0; i < 4; i++) {
        into[2 * i] = __uint_as_float(words[i] << 16);
        into[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000u);
    }
#elif defined(WEIGHT_F16)
    for (int i = 0; i < 4; i++) {
        into[2 * i] = half_to_float((u16) words[i]);
        into[2 * i + 1] = half_to_float((u16) (words[i] >> 16));
    }
#elif defined(WEIGHT_Q4_0)
    float scale = half_to_float(((const u16 *) scales)[k / 32]);
    for (int i = 0; i < 16; i++) {
        unsigned byte = words[i / 4] >> (8 * (i % 4));
        into[i] = ((int) (byte & 15u) - 8) * scale;
        into[i + 16] = ((int) ((byte >> 4) & 15u) - 8) * scale;
    }
#else
#if defined(WEIGHT_INT8)
    float scale = *(const float *) scales;
#else
    float scale = half_to_float(((const u16 *) scales)[k / 32]);
#endif
    for (int i = 0; i < 16; i++) into[i] = (int) (signed char) (words[i / 4] >> (8 * (i % 4))) * scale;
#endif
#endif
}

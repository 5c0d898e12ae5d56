// Keys and values as the cache keeps them: [block][kv head][offset][head dim], in the type that a module is compiled for. INT8 has
// an F32 scale per token and head beside it: [block][kv head][offset].
#pragma once
#include "spandrel.cuh"

#if defined(KV_F32)
typedef float Cached;
#define KV_VECTOR 4
#elif defined(KV_F16) || defined(KV_BF16)
typedef u16 Cached;
#define KV_VECTOR 8
#elif defined(KV_INT8)
typedef signed char Cached;
#define KV_VECTOR 16
#else
#error "compile with one of KV_F32, KV_F16, KV_BF16, KV_INT8"
#endif

__device__ __forceinline__ float widen_cached(Cached value, float scale) {
#if defined(KV_F32)
    return value;
#elif defined(KV_F16)
    return half_to_float(value);
#elif defined(KV_BF16)
    return bf16_to_float(value);
#else
    return (float) value * scale;
#endif
}

// KV_VECTOR values at once: sixteen bytes.
__device__ __forceinline__ void load_cached(const Cached *at, float scale, float *into) {
    uint4 raw = *(const uint4 *) at;
    unsigned words[4] = {raw.x, raw.y, raw.z, raw.w};
#if defined(KV_F32)
    for (int i = 0; i < 4; i++) into[i] = __uint_as_float(words[i]);
#elif defined(KV_INT8)
    for (int i = 0; i < 16; i++) into[i] = (float) (signed char) (words[i / 4] >> (8 * (i % 4))) * scale;
#else
    for (int i = 0; i < 8; i++) into[i] = widen_cached((u16) (words[i / 2] >> (16 * (i % 2))), scale);
#endif
}

__device__ __forceinline__ Cached narrow_cached(float value, float scale) {
#if defined(KV_F32)
    return value;
#elif defined(KV_F16)
    return float_to_half(value);
#elif defined(KV_BF16)
    return float_to_bf16(value);
#else
    if (scale == 0.0f) return 0;
    // Half-way goes up, as Math.round has it.
    float exact = value / scale, floor = floorf(exact);
    float rounded = exact - floor >= 0.5f ? floor + 1.0f : floor;
    return (signed char) (rounded > 127.0f ? 127.0f : rounded < -127.0f ? -127.0f : rounded);
#endif
}

// Where a token's vector of one head begins, in vectors of head_dim; slot = block × block_size + offset.
__device__ __forceinline__ long long cache_row(int slot, int kv_head, int kv_heads, int block_size) {
    return ((long long) (slot / block_size) * kv_heads + kv_head) * block_size + slot % block_size;
}

// One sequence's keys or values of one head.
struct Sequence {
    const int *table;
    int block_size, kv_head, kv_heads, head_dim;

    __device__ __forceinline__ long long row(int position) const {
        return cache_row(table[position / block_size] * block_size + position % block_size, kv_head, kv_heads, block_size);
    }
};

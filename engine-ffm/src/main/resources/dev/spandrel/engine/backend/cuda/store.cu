// Turns queries and keys by their angles, in place, and puts keys and values into their slots: one warp per token and head, in one
// launch. Without angles nothing turns, without a cache nothing is stored. A slot below 0 is that of a row that fills up a batch.
// Truth: ReferenceBackend.rope, storeKv. Tried on the host emulation only; no times yet.
#include "cache.cuh"

// Grid: tokens × (heads + 2 · kv_heads).
extern "C" __global__ void KERNEL_BOUNDS(32) rope_store(float *qkv, int heads, int kv_heads, int head_dim, const float *angles,
                                                        int rotary_dim, const int *slots, int block_size, Cached *keys,
                                                        Cached *values, float *key_scales, float *value_scales) {
    wait_for_predecessor();
    let_successor_begin();
    int token = blockIdx.x, head = blockIdx.y, lane = threadIdx.x;
    float *at = qkv + ((long long) token * (heads + 2 * kv_heads) + head) * head_dim;
    if (angles && head < heads + kv_heads) {
        int half = rotary_dim / 2;
        const float *angle = angles + (long long) token * rotary_dim;
        for (int i = lane; i < half; i += WARP) {
            float cosine = angle[i], sine = angle[half + i], left = at[i], right = at[half + i];
            at[i] = left * cosine - right * sine;
            at[half + i] = right * cosine + left * sine;
        }
        __syncwarp();
    }
    if (!keys || head < heads || slots[token] < 0) return;
    bool is_key = head < heads + kv_heads;
    int kv_head = is_key ? head - heads : head - heads - kv_heads;
    long long row = cache_row(slots[token], kv_head, kv_heads, block_size);
    float scale = 0.0f;
#if defined(KV_INT8)
    float most = 0.0f;
    for (int d = lane; d < head_dim; d += WARP) most = fmaxf(most, fabsf(at[d]));
    scale = warp_max(most) / 127.0f;
    if (lane == 0) (is_key ? key_scales : value_scales)[row] = scale;
#endif
    Cached *to = (is_key ? keys : values) + row * head_dim;
    for (int d = lane; d < head_dim; d += WARP) to[d] = narrow_cached(at[d], scale);
}

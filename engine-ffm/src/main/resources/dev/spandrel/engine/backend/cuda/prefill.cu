// Causal attention of prompts on tensor cores (FlashAttention-2): a block takes 64 rows, the heads of one kv head times as many tokens
// of one sequence as that leaves, four warps of 16 rows each; keys and values come from the paged cache in tiles of positions that
// begin at multiples of the tile, so that a row has the same bits however the prompt was cut. Scores, largest, sums and results stay in
// registers; queries and weights of values are rounded to the cache's type, INT8 keys and values to BF16. While scores are made the
// values of the tile arrive, while values are weighed the next keys. Rows in shared memory are 16 bytes longer than they need to be:
// eight of them then lie in eight different groups of banks.
// Truth: ReferenceBackend.attention. Tried on the host emulation only; no times yet.
#include "cache.cuh"
#include "mma.cuh"

#define THREADS 128
#define ROWS 64
#define LOG2_E 1.44269504088896340736f

// Positions first to first + COUNT − 1 into shared rows of PITCH; outside [from, to) zeros.
template <int COUNT, int PITCH>
__device__ __forceinline__ void load_tile(const Sequence &s, const Cached *cached, const float *scales, int first, int from, int to, u16 *into) {
    int chunks = s.head_dim / KV_VECTOR;
    for (int i = threadIdx.x; i < COUNT * chunks; i += THREADS) {
        int p = i / chunks, d = i % chunks * KV_VECTOR, position = first + p;
        bool there = position >= from && position < to;
        long long row = there ? s.row(position) : 0;
        const Cached *at = cached + row * s.head_dim + d;
        u16 *to_shared = into + p * PITCH + d;
#if defined(KV_INT8)
        float values[KV_VECTOR];
        if (there) load_cached(at, scales[row], values);
#pragma unroll
        for (int k = 0; k < KV_VECTOR; k += 2) *(unsigned *) (to_shared + k) = there ? pack(values[k], values[k + 1]) : 0u;
#else
        copy_later(to_shared, at, there);
#endif
    }
    end_copies();
}

// Grid: tiles × kv_heads. tiles: [tile] × (first token, tokens); the longest come last and are taken first.
template <int WIDTH, int COUNT>
__device__ __forceinline__ void prefill(const float *qkv, int heads, int kv_heads, int head_dim, const int *positions,
                                        const int *sequence_of, const int *tables, int table_stride, int block_size, const Cached *keys,
                                        const Cached *values, const float *key_scales, const float *value_scales, float scale, int window,
                                        float cap, const int *tiles, float *out) {
    const int PITCH = WIDTH + 8;
    DYNAMIC_SHARED(u16, shared);
    wait_for_predecessor();
    let_successor_begin();
    u16 *q = shared, *k = q + ROWS * PITCH, *v = k + COUNT * PITCH;
    int tile = gridDim.x - 1 - blockIdx.x, kv_head = blockIdx.y, group = heads / kv_heads;
    int token = tiles[2 * tile], rows = tiles[2 * tile + 1] * group;
    int begins = positions[token], end = begins + tiles[2 * tile + 1];
    Sequence s = {tables + (long long) sequence_of[token] * table_stride, block_size, kv_head, kv_heads, head_dim};
    int from = window == 0 || begins + 1 < window ? 0 : begins + 1 - window;
    int first = from / COUNT * COUNT;

    // Columns that the head does not have, and rows that the tile does not have, are zeros all along.
    if (head_dim < WIDTH)
        for (int i = threadIdx.x; i < (ROWS + 2 * COUNT) * (WIDTH - head_dim); i += THREADS)
            shared[i / (WIDTH - head_dim) * PITCH + head_dim + i % (WIDTH - head_dim)] = 0;
    load_tile<COUNT, PITCH>(s, keys, key_scales, first, from, end, k);
    int row_columns = (heads + 2 * kv_heads) * head_dim;
    for (int i = threadIdx.x; i < ROWS * (head_dim / 2); i += THREADS) {
        int r = i / (head_dim / 2), d = i % (head_dim / 2) * 2;
        float2 both = {0.0f, 0.0f};
        if (r < rows) both = *(const float2 *) (qkv + (long long) (token + r / group) * row_columns + (kv_head * group + r % group) * head_dim + d);
        *(unsigned *) (q + r * PITCH + d) = pack(within_type(both.x), within_type(both.y));
    }

    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    int upper = warp * 16 + lane / 4;
    // What a lane holds of a product: two columns of this row and of the one eight below.
    int position[2], begin[2];
#pragma unroll
    for (int h = 0; h < 2; h++) {
        int r = upper + 8 * h;
        position[h] = r < rows ? begins + r / group : -1;
        begin[h] = window == 0 ? 0 : position[h] + 1 - window;
    }
    float sums[WIDTH / 8][4], most[2] = {-INFINITY, -INFINITY}, total[2] = {0.0f, 0.0f};
#pragma unroll
    for (int n = 0; n < WIDTH / 8; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) sums[n][i] = 0.0f;
    const u16 *q_row = q + (warp * 16 + lane % 16) * PITCH + lane / 16 * 8;
    const u16 *k_row = k + (lane % 8 + lane / 16 * 8) * PITCH + lane / 8 % 2 * 8;
    const u16 *v_row = v + (lane % 16) * PITCH + lane / 16 * 8;
    // Powers of two instead of e.
    float factor = cap == 0.0f ? scale * LOG2_E : LOG2_E;

    for (; first < end; first += COUNT) {
        load_tile<COUNT, PITCH>(s, values, value_scales, first, from, end, v);
        wait_for_copies<1>();
        __syncthreads();
        float scores[COUNT / 8][4];
#pragma unroll
        for (int n = 0; n < COUNT / 8; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) scores[n][i] = 0.0f;
#pragma unroll
        for (int d = 0; d < WIDTH; d += 16) {
            unsigned a[4];
            load_matrices(q_row + d, a);
#pragma unroll
            for (int n = 0; n < COUNT; n += 16) {
                unsigned b[4];
                load_matrices(k_row + n * PITCH + d, b);
                multiply_add(scores[n / 8], a, b[0], b[1]);
                multiply_add(scores[n / 8 + 1], a, b[2], b[3]);
            }
        }
        __syncthreads();
        if (first + COUNT < end) load_tile<COUNT, PITCH>(s, keys, key_scales, first + COUNT, from, end, k);
        else end_copies();

        bool whole = first + COUNT <= begins + 1 && window == 0;
        float largest[2] = {most[0], most[1]};
#pragma unroll
        for (int n = 0; n < COUNT / 8; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                float score = scores[n][i];
                if (cap != 0.0f) score = cap * tanhf(score * scale / cap);
                int at = first + n * 8 + lane % 4 * 2 + i % 2;
                if (!whole && (at > position[i / 2] || at < begin[i / 2])) score = -INFINITY;
                scores[n][i] = score;
                largest[i / 2] = fmaxf(largest[i / 2], score);
            }
        float less[2];
#pragma unroll
        for (int h = 0; h < 2; h++) {
            largest[h] = fmaxf(largest[h], __shfl_xor_sync(ALL_LANES, largest[h], 1));
            largest[h] = fmaxf(largest[h], __shfl_xor_sync(ALL_LANES, largest[h], 2));
            // A row that has seen nothing yet: every power below is 0.
            less[h] = largest[h] == -INFINITY ? 0.0f : __fmul_rn(largest[h], factor);
            // Rounded as above: where nothing larger came it is 1, and what a row has gathered keeps its bits.
            float by = power_of_two(__fmul_rn(most[h], factor) - less[h]);
            most[h] = largest[h];
            total[h] *= by;
#pragma unroll
            for (int n = 0; n < WIDTH / 8; n++) {
                sums[n][2 * h] *= by;
                sums[n][2 * h + 1] *= by;
            }
        }
#pragma unroll
        for (int n = 0; n < COUNT / 8; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                scores[n][i] = power_of_two(fmaf(scores[n][i], factor, -less[i / 2]));
                total[i / 2] += scores[n][i];
            }
        wait_for_copies<1>();
        __syncthreads();
#pragma unroll
        for (int p = 0; p < COUNT; p += 16) {
            // What a lane holds of two products is what it needs to hold of a factor.
            const float *left = scores[p / 8], *right = scores[p / 8 + 1];
            unsigned a[4] = {pack(left[0], left[1]), pack(left[2], left[3]), pack(right[0], right[1]), pack(right[2], right[3])};
#pragma unroll
            for (int d = 0; d < WIDTH; d += 16) {
                unsigned b[4];
                load_matrices_transposed(v_row + p * PITCH + d, b);
                multiply_add(sums[d / 8], a, b[0], b[1]);
                multiply_add(sums[d / 8 + 1], a, b[2], b[3]);
            }
        }
        __syncthreads();
    }

#pragma unroll
    for (int h = 0; h < 2; h++) {
        total[h] += __shfl_xor_sync(ALL_LANES, total[h], 1);
        total[h] += __shfl_xor_sync(ALL_LANES, total[h], 2);
        int r = upper + 8 * h;
        if (r < rows) {
            float *to = out + ((long long) (token + r / group) * heads + kv_head * group + r % group) * head_dim;
            float by = 1.0f / total[h];
#pragma unroll
            for (int n = 0; n < WIDTH / 8; n++) {
                int d = n * 8 + lane % 4 * 2;
                if (d < head_dim) {
                    float2 both = {sums[n][2 * h] * by, sums[n][2 * h + 1] * by};
                    *(float2 *) (to + d) = both;
                }
            }
        }
    }
}

#define ARGUMENTS qkv, heads, kv_heads, head_dim, positions, sequence_of, tables, table_stride, block_size, keys, values, key_scales, value_scales, scale, window, cap, tiles, out

extern "C" __global__ void KERNEL_BOUNDS(128) prefill_64(const float *qkv, int heads, int kv_heads, int head_dim, const int *positions, const int *sequence_of, const int *tables, int table_stride, int block_size, const Cached *keys, const Cached *values, const float *key_scales, const float *value_scales, float scale, int window, float cap, const int *tiles, float *out) {
    prefill<64, 64>(ARGUMENTS);
}

extern "C" __global__ void KERNEL_BOUNDS(128) prefill_96(const float *qkv, int heads, int kv_heads, int head_dim, const int *positions, const int *sequence_of, const int *tables, int table_stride, int block_size, const Cached *keys, const Cached *values, const float *key_scales, const float *value_scales, float scale, int window, float cap, const int *tiles, float *out) {
    prefill<96, 64>(ARGUMENTS);
}

extern "C" __global__ void KERNEL_BOUNDS(128) prefill_128(const float *qkv, int heads, int kv_heads, int head_dim, const int *positions, const int *sequence_of, const int *tables, int table_stride, int block_size, const Cached *keys, const Cached *values, const float *key_scales, const float *value_scales, float scale, int window, float cap, const int *tiles, float *out) {
    prefill<128, 64>(ARGUMENTS);
}

extern "C" __global__ void KERNEL_BOUNDS(128) prefill_256(const float *qkv, int heads, int kv_heads, int head_dim, const int *positions, const int *sequence_of, const int *tables, int table_stride, int block_size, const Cached *keys, const Cached *values, const float *key_scales, const float *value_scales, float scale, int window, float cap, const int *tiles, float *out) {
    prefill<256, 32>(ARGUMENTS);
}

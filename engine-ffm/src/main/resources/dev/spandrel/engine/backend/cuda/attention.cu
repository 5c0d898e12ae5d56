// Causal attention of each token over the cached keys and values of its sequence, in pieces of 128 positions (flash-decoding). A
// block handles one token and one kv head, all query heads that share it, and one piece or, with splits = 1, all pieces one after
// another. Pieces lie at fixed positions and meet in their order by the same arithmetic either way, so that a row has the same bits
// in decode, in a prompt, and however the prompt was cut. With several blocks the last one to end puts the pieces together.
// Truth: ReferenceBackend.attention. Tried on the host emulation only; no times yet.
#include "pieces.cuh"

#define THREADS 128
#define WARPS (THREADS / WARP)
// Query heads that share one pass over keys or values.
#define GROUP 4

// scores[g][p − first] for the positions of one piece.
__device__ __forceinline__ void make_scores(const Sequence &s, const Cached *keys, const float *key_scales, const float *q, int group,
                                            int first, int from, int to, float scale, float cap, float *scores) {
    int lane = threadIdx.x % TEAM, team = threadIdx.x / TEAM;
    bool vectors = s.head_dim % KV_VECTOR == 0;
    for (int p0 = first; p0 < first + PIECE; p0 += THREADS / TEAM) {
        int position = p0 + team;
        bool seen = position >= from && position < to;
        long long row = seen ? s.row(position) : 0;
        const Cached *key = keys + row * s.head_dim;
        float key_scale = key_scales && seen ? key_scales[row] : 0.0f;
        for (int g0 = 0; g0 < group; g0 += GROUP) {
            float sums[GROUP];
#pragma unroll
            for (int g = 0; g < GROUP; g++) sums[g] = 0.0f;
            if (seen && vectors) {
                for (int d = lane * KV_VECTOR; d < s.head_dim; d += TEAM * KV_VECTOR) {
                    float k[KV_VECTOR];
                    load_cached(key + d, key_scale, k);
#pragma unroll
                    for (int g = 0; g < GROUP; g++)
                        if (g0 + g < group)
#pragma unroll
                            for (int i = 0; i < KV_VECTOR; i++) sums[g] = fmaf(q[(g0 + g) * s.head_dim + d + i], k[i], sums[g]);
                }
            } else if (seen) {
                for (int d = lane; d < s.head_dim; d += TEAM) {
                    float k = widen_cached(key[d], key_scale);
#pragma unroll
                    for (int g = 0; g < GROUP; g++)
                        if (g0 + g < group) sums[g] = fmaf(q[(g0 + g) * s.head_dim + d], k, sums[g]);
                }
            }
#pragma unroll
            for (int g = 0; g < GROUP; g++) {
                for (int lanes = TEAM / 2; lanes > 0; lanes >>= 1) sums[g] += __shfl_xor_sync(ALL_LANES, sums[g], lanes);
                if (lane == 0 && g0 + g < group) {
                    scores[(g0 + g) * PIECE + position - first] = seen ? finish_score(sums[g], scale, cap) : -INFINITY;
                }
            }
        }
    }
}

// Scores become e^(score − largest); the largest and the sum go to most[g] and total[g].
__device__ __forceinline__ void soften(float *scores, int group, float *most, float *total) {
    for (int g = threadIdx.x / WARP; g < group; g += WARPS) {
        float largest, sum;
        soften_row(scores + g * PIECE, 1, largest, sum);
        if (threadIdx.x % WARP == 0) {
            most[g] = largest;
            total[g] = sum;
        }
    }
}

// result[g][d] = Σ scores[g][p] · value[p][d]. Threads share a vector's columns; where there are more threads than that takes,
// several teams take every so-many-th position and their sums meet in partial, THREADS × GROUP × KV_VECTOR floats.
__device__ __forceinline__ void weigh_values(const Sequence &s, const Cached *values, const float *value_scales, const float *scores,
                                             int group, int first, int from, int to, float *partial, float *result) {
    bool vectors = s.head_dim % KV_VECTOR == 0 && s.head_dim / KV_VECTOR <= THREADS;
    int width = vectors ? KV_VECTOR : 1;
    int per_team = s.head_dim / width;
    int teams = vectors ? value_teams(s.head_dim) : 1;
    int team = vectors ? threadIdx.x / per_team : 0;
    int begin = from > first ? from : first, end = to < first + PIECE ? to : first + PIECE;
    for (int g0 = 0; g0 < group; g0 += GROUP) {
        if (vectors) {
            int d = threadIdx.x % per_team * KV_VECTOR;
            float sums[GROUP][KV_VECTOR];
#pragma unroll
            for (int g = 0; g < GROUP; g++)
#pragma unroll
                for (int i = 0; i < KV_VECTOR; i++) sums[g][i] = 0.0f;
            // Each team keeps to positions of the piece that are its own, wherever the piece begins to count.
            for (int p = first + team; team < teams && p < end; p += teams) {
                if (p < begin) continue;
                long long row = s.row(p);
                float v[KV_VECTOR];
                load_cached(values + row * s.head_dim + d, value_scales ? value_scales[row] : 0.0f, v);
#pragma unroll
                for (int g = 0; g < GROUP; g++)
                    if (g0 + g < group)
#pragma unroll
                        for (int i = 0; i < KV_VECTOR; i++) sums[g][i] = fmaf(scores[(g0 + g) * PIECE + p - first], v[i], sums[g][i]);
            }
            if (team < teams)
#pragma unroll
                for (int g = 0; g < GROUP; g++)
#pragma unroll
                    for (int i = 0; i < KV_VECTOR; i++) partial[(team * GROUP + g) * s.head_dim + d + i] = sums[g][i];
            __syncthreads();
            for (int i = threadIdx.x; i < GROUP * s.head_dim; i += THREADS) {
                int g = i / s.head_dim, column = i % s.head_dim;
                if (g0 + g < group) {
                    float sum = 0.0f;
                    for (int t = 0; t < teams; t++) sum += partial[(t * GROUP + g) * s.head_dim + column];
                    result[(g0 + g) * s.head_dim + column] = sum;
                }
            }
            __syncthreads();
        } else {
            for (int d = threadIdx.x; d < s.head_dim; d += THREADS) {
                for (int g = g0; g < g0 + GROUP && g < group; g++) {
                    float sum = 0.0f;
                    for (int p = begin; p < end; p++) {
                        long long row = s.row(p);
                        float v = widen_cached(values[row * s.head_dim + d], value_scales ? value_scales[row] : 0.0f);
                        sum = fmaf(scores[g * PIECE + p - first], v, sum);
                    }
                    result[g * s.head_dim + d] = sum;
                }
            }
        }
    }
    __syncthreads();
}

// Grid: splits × kv_heads × rows. rows: the tokens that are meant, or null for all. partials: [row][head][split] × (head_dim + 2).
// counters: [row][kv head], 0 before and after.
extern "C" __global__ void KERNEL_BOUNDS(128) attention(const float *qkv, int heads, int kv_heads, int head_dim, const int *rows,
                                                        const int *positions, const int *sequence_of, const int *tables, int table_stride, int block_size,
                                                        const Cached *keys, const Cached *values, const float *key_scales,
                                                        const float *value_scales, float scale, int window, float cap,
                                                        float *partials, int *counters, float *out) {
    DYNAMIC_SHARED(float, shared);
    __shared__ int is_last;
    wait_for_predecessor();
    let_successor_begin();
    int token = rows ? rows[blockIdx.z] : blockIdx.z, kv_head = blockIdx.y, splits = gridDim.x, group = heads / kv_heads;
    float *q = shared;
    float *scores = q + group * head_dim;
    float *result = scores + group * PIECE;
    float *sum = result + group * head_dim;
    float *most = sum + group * head_dim;
    float *total = most + group;
    float *sum_most = total + group;
    float *sum_total = sum_most + group;
    // Sixteen-byte steps for what follows are not needed: partial is read and written by single values.
    float *partial = sum_total + group;

    int position = positions[token];
    float *to = out + ((long long) token * heads + kv_head * group) * head_dim;
    if (position < 0) {
        // A row that fills up a batch.
        if (blockIdx.x == 0)
            for (int i = threadIdx.x; i < group * head_dim; i += THREADS) to[i] = 0.0f;
        return;
    }
    int end = position + 1, begin = window == 0 || end < window ? 0 : end - window;
    int first_piece = begin / PIECE, last_piece = position / PIECE;
    int piece = splits == 1 ? first_piece : blockIdx.x;
    if (splits > 1 && (piece < first_piece || piece > last_piece)) return;

    Sequence s = {tables + (long long) sequence_of[token] * table_stride, block_size, kv_head, kv_heads, head_dim};
    const float *query = qkv + ((long long) token * (heads + 2 * kv_heads) + kv_head * group) * head_dim;
    for (int i = threadIdx.x; i < group * head_dim; i += THREADS) {
        q[i] = query[i];
        sum[i] = 0.0f;
    }
    for (int g = threadIdx.x; g < group; g += THREADS) {
        sum_most[g] = -INFINITY;
        sum_total[g] = 0.0f;
    }
    __syncthreads();

    for (; piece <= last_piece; piece++) {
        int first = piece * PIECE;
        make_scores(s, keys, key_scales, q, group, first, begin, end, scale, cap, scores);
        __syncthreads();
        soften(scores, group, most, total);
        __syncthreads();
        weigh_values(s, values, value_scales, scores, group, first, begin, end, partial, result);
        if (splits > 1) break;
        for (int i = threadIdx.x; i < group * head_dim; i += THREADS) {
            int g = i / head_dim;
            float common = fmaxf(sum_most[g], most[g]);
            sum[i] = gathered(sum[i], expf(sum_most[g] - common), result[i], expf(most[g] - common));
        }
        __syncthreads();
        for (int g = threadIdx.x; g < group; g += THREADS) {
            float common = fmaxf(sum_most[g], most[g]);
            sum_total[g] = gathered(sum_total[g], expf(sum_most[g] - common), total[g], expf(most[g] - common));
            sum_most[g] = common;
        }
        __syncthreads();
    }

    if (splits > 1) {
        int stride = head_dim + 2;
        float *mine = partials + (((long long) blockIdx.z * heads + kv_head * group) * splits + piece) * stride;
        for (int i = threadIdx.x; i < group * head_dim; i += THREADS)
            mine[(long long) (i / head_dim) * splits * stride + 2 + i % head_dim] = result[i];
        for (int g = threadIdx.x; g < group; g += THREADS) {
            mine[(long long) g * splits * stride] = most[g];
            mine[(long long) g * splits * stride + 1] = total[g];
        }
        __threadfence();
        __syncthreads();
        if (threadIdx.x == 0) {
            int *counter = counters + blockIdx.z * kv_heads + kv_head;
            is_last = atomicAdd(counter, 1) == last_piece - first_piece;
            if (is_last) *counter = 0;
        }
        __syncthreads();
        if (!is_last) return;
        __threadfence();
        for (int i = threadIdx.x; i < group * head_dim; i += THREADS) {
            int g = i / head_dim, d = i % head_dim;
            const float *all = partials + ((long long) blockIdx.z * heads + kv_head * group + g) * splits * stride;
            float largest = -INFINITY, weights = 0.0f, value = 0.0f;
            for (int p = first_piece; p <= last_piece; p++) {
                const float *one = all + (long long) p * stride;
                float common = fmaxf(largest, one[0]);
                float old_factor = expf(largest - common), piece_factor = expf(one[0] - common);
                value = gathered(value, old_factor, one[2 + d], piece_factor);
                weights = gathered(weights, old_factor, one[1], piece_factor);
                largest = common;
            }
            to[i] = value / weights;
        }
        return;
    }
    for (int i = threadIdx.x; i < group * head_dim; i += THREADS) to[i] = sum[i] / sum_total[i / head_dim];
}

// Causal attention of prompts without tensor cores, with the bits of attention.cu: a block takes a tile of rows, the heads of one kv
// head times as many tokens of one sequence as that leaves, so that keys and values are read once a tile instead of once a token.
// Keys come to shared memory in chunks of positions with all their columns, values in slabs of columns with all positions of a piece;
// so each score and each sum is begun and ended by one thread, in the order that attention.cu has for it, and nothing of a chunk
// is kept in registers beyond it. A thread makes 4 × 4 of them. Scores lie by positions, so that a thread reads its four rows at once.
// Truth: ReferenceBackend.attention; attention.cu bit by bit. Tried on the host emulation only; no times yet.
#include "pieces.cuh"

#define THREADS 128
#define WARPS (THREADS / WARP)
#define SLAB 64

// Four rows times four positions or columns.
struct Quad {
    float at[4][4];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int r = 0; r < 4; r++)
#pragma unroll
            for (int c = 0; c < 4; c++) at[r][c] = 0.0f;
    }

    __device__ __forceinline__ void add(const Quad &other) {
#pragma unroll
        for (int r = 0; r < 4; r++)
#pragma unroll
            for (int c = 0; c < 4; c++) at[r][c] += other.at[r][c];
    }
};

__device__ __forceinline__ void load_four(const float *from, float *into) {
    float4 v = *(const float4 *) from;
    into[0] = v.x;
    into[1] = v.y;
    into[2] = v.z;
    into[3] = v.w;
}

// What lane LANE of a team sums of four queries, HEAD_DIM apart, times four keys, KEY_PITCH apart.
__device__ __forceinline__ Quad lane_sums(int lane, const float *queries, int head_dim, const float *keys, int key_pitch) {
    Quad sums;
    sums.clear();
    for (int d0 = lane * KV_VECTOR; d0 < head_dim; d0 += TEAM * KV_VECTOR)
#pragma unroll 2
        for (int d = d0; d < d0 + KV_VECTOR; d += 4) {
            float q[4][4];
#pragma unroll
            for (int r = 0; r < 4; r++) load_four(queries + r * head_dim + d, q[r]);
#pragma unroll
            for (int c = 0; c < 4; c++) {
                float k[4];
                load_four(keys + c * key_pitch + d, k);
#pragma unroll
                for (int e = 0; e < 4; e++)
#pragma unroll
                    for (int r = 0; r < 4; r++) sums.at[r][c] = fmaf(q[r][e], k[e], sums.at[r][c]);
            }
        }
    return sums;
}

// The lanes' sums as a butterfly adds them: four apart, two apart, neighbours.
__device__ __forceinline__ Quad dot_products(const float *queries, int head_dim, const float *keys, int key_pitch) {
    Quad even, odd;
#pragma unroll
    for (int parity = 0; parity < 2; parity++) {
        Quad sums = lane_sums(parity, queries, head_dim, keys, key_pitch);
        sums.add(lane_sums(parity + 4, queries, head_dim, keys, key_pitch));
        Quad other = lane_sums(parity + 2, queries, head_dim, keys, key_pitch);
        other.add(lane_sums(parity + 6, queries, head_dim, keys, key_pitch));
        sums.add(other);
        if (parity == 0) even = sums;
        else odd = sums;
    }
    even.add(odd);
    return even;
}

// Columns D0 to D0 + COLUMNS − 1 of COUNT positions, PITCH apart; outside [from, to) zeros.
__device__ __forceinline__ void load_positions(const Sequence &s, const Cached *cached, const float *scales, int first, int count, int from,
                                               int to, int d0, int columns, int pitch, float *into) {
    int vectors = columns / KV_VECTOR;
    for (int i = threadIdx.x; i < count * vectors; i += THREADS) {
        int p = i / vectors, d = i % vectors * KV_VECTOR, position = first + p;
        float values[KV_VECTOR];
#pragma unroll
        for (int k = 0; k < KV_VECTOR; k++) values[k] = 0.0f;
        if (position >= from && position < to) {
            long long row = s.row(position);
            load_cached(cached + row * s.head_dim + d0 + d, scales ? scales[row] : 0.0f, values);
        }
#pragma unroll
        for (int k = 0; k < KV_VECTOR; k += 4) {
            float4 v = {values[k], values[k + 1], values[k + 2], values[k + 3]};
            *(float4 *) (into + p * pitch + d + k) = v;
        }
    }
}

// The rows of a tile: what each sees, and what it has gathered so far. A row that sees nothing of a piece has a factor below 0.
struct Rows {
    int count;
    int *begin, *end;
    float *most, *total, *old_factor, *piece_factor;

    __device__ __forceinline__ bool sees(int row, int position) const { return position >= begin[row] && position < end[row]; }
};

// Scores of the rows for COUNT positions of a piece that begins at PIECE_FIRST.
__device__ __forceinline__ void make_scores(const Rows &rows, const float *q, int head_dim, const float *keys, int first, int count, bool whole,
                                            float scale, float cap, float *scores, int pitch, int piece_first) {
    int apart = count / 4;
    for (int i = threadIdx.x; i < rows.count / 4 * apart; i += THREADS) {
        int r0 = i / apart * 4, p0 = i % apart;
        Quad sums = dot_products(q + r0 * head_dim, head_dim, keys + p0 * (head_dim + 4), apart * (head_dim + 4));
#pragma unroll
        for (int c = 0; c < 4; c++) {
            int position = first + p0 + c * apart;
#pragma unroll
            for (int r = 0; r < 4; r++) {
                float score = finish_score(sums.at[r][c], scale, cap);
                sums.at[r][c] = whole || rows.sees(r0 + r, position) ? score : -INFINITY;
            }
            float4 four = {sums.at[0][c], sums.at[1][c], sums.at[2][c], sums.at[3][c]};
            *(float4 *) (scores + (position - piece_first) * pitch + r0) = four;
        }
    }
}

// Scores become weights, and the rows learn how this piece meets what they have.
__device__ __forceinline__ void soften(const Rows &rows, float *scores, int pitch) {
    for (int r = threadIdx.x / WARP; r < rows.count; r += WARPS) {
        float largest, sum;
        soften_row(scores + r, pitch, largest, sum);
        if (threadIdx.x % WARP == 0) {
            float common = fmaxf(rows.most[r], largest);
            if (largest == -INFINITY) {
                rows.piece_factor[r] = -1.0f;
            } else {
                rows.old_factor[r] = expf(rows.most[r] - common);
                rows.piece_factor[r] = expf(largest - common);
                rows.total[r] = gathered(rows.total[r], rows.old_factor[r], sum, rows.piece_factor[r]);
                rows.most[r] = common;
            }
        }
    }
}

// Weighs a slab of the piece's values for four rows and four columns: teams take positions in turn, and follow each other.
template <bool WHOLE>
__device__ __forceinline__ Quad weigh(const Rows &rows, int r0, const float *weights, int pitch, const float *values, int first, int begin, int end,
                                      int teams) {
    Quad sums;
    sums.clear();
    int row_begin[4], row_end[4];
#pragma unroll
    for (int r = 0; r < 4; r++) {
        row_begin[r] = rows.begin[r0 + r] - first;
        row_end[r] = rows.end[r0 + r] - first;
    }
    for (int team = 0; team < teams; team++) {
        Quad part;
        part.clear();
        for (int p = team; p < end; p += teams) {
            if (!WHOLE && p < begin) continue;
            float w[4], v[4];
            load_four(weights + p * pitch + r0, w);
            load_four(values + p * SLAB, v);
#pragma unroll
            for (int r = 0; r < 4; r++)
                if (WHOLE || (p >= row_begin[r] && p < row_end[r]))
#pragma unroll
                    for (int c = 0; c < 4; c++) part.at[r][c] = fmaf(w[r], v[c], part.at[r][c]);
        }
        sums.add(part);
    }
    return sums;
}

// Grid: tiles × kv_heads. tiles: [tile] × (first token, tokens); the longest come last and are taken first. tile_rows: a multiple of 4, at
// least the heads of a kv head times the tokens of a tile. chunk: positions that keys come in, a multiple of 4 that divides PIECE.
extern "C" __global__ void KERNEL_BOUNDS(128) prefill_exact(const float *qkv, int heads, int kv_heads, int head_dim, const int *positions,
                                                            const int *sequence_of, const int *tables, int table_stride, int block_size,
                                                            const Cached *keys, const Cached *values, const float *key_scales,
                                                            const float *value_scales, float scale, int window, float cap, const int *tiles,
                                                            int tile_rows, int chunk, float *out) {
    DYNAMIC_SHARED(float, shared);
    wait_for_predecessor();
    let_successor_begin();
    int pitch = tile_rows + 4;
    float *q = shared, *sum = q + tile_rows * head_dim, *scores = sum + tile_rows * head_dim, *loaded = scores + PIECE * pitch;
    float *last = loaded + max(chunk * (head_dim + 4), PIECE * SLAB);
    Rows rows = {tile_rows, (int *) last, (int *) last + tile_rows, last + 2 * tile_rows, last + 3 * tile_rows, last + 4 * tile_rows, last + 5 * tile_rows};

    int tile = gridDim.x - 1 - blockIdx.x, kv_head = blockIdx.y, group = heads / kv_heads;
    int token = tiles[2 * tile], tokens = tiles[2 * tile + 1];
    int begins = positions[token], end = begins + tokens;
    int from = window == 0 || begins + 1 < window ? 0 : begins + 1 - window;
    int last_from = window == 0 || end < window ? 0 : end - window;
    Sequence s = {tables + (long long) sequence_of[token] * table_stride, block_size, kv_head, kv_heads, head_dim};
    for (int i = threadIdx.x; i < tile_rows * head_dim; i += THREADS) {
        int r = i / head_dim;
        long long row = (long long) (token + r / group) * (heads + 2 * kv_heads) + kv_head * group + r % group;
        q[i] = r < tokens * group ? qkv[row * head_dim + i % head_dim] : 0.0f;
        sum[i] = 0.0f;
    }
    for (int r = threadIdx.x; r < tile_rows; r += THREADS) {
        int row_end = r < tokens * group ? begins + r / group + 1 : 0;
        rows.begin[r] = window == 0 || row_end < window ? 0 : row_end - window;
        rows.end[r] = row_end;
        rows.most[r] = -INFINITY;
        rows.total[r] = 0.0f;
    }
    __syncthreads();

    for (int first = from / PIECE * PIECE; first < end; first += PIECE) {
        // All rows see all of it; those that the tile does not have look at zeros.
        bool whole = first >= last_from && first + PIECE <= begins + 1;
        for (int part = first; part < first + PIECE; part += chunk) {
            if (part >= end || part + chunk <= from) {
                for (int i = threadIdx.x; i < chunk * pitch; i += THREADS) scores[(part - first) * pitch + i] = -INFINITY;
            } else {
                load_positions(s, keys, key_scales, part, chunk, from, end, 0, head_dim, head_dim + 4, loaded);
                __syncthreads();
                make_scores(rows, q, head_dim, loaded, part, chunk, whole, scale, cap, scores, pitch, first);
            }
            __syncthreads();
        }
        soften(rows, scores, pitch);
        for (int d0 = 0; d0 < head_dim; d0 += SLAB) {
            int columns = min(SLAB, head_dim - d0);
            load_positions(s, values, value_scales, first, PIECE, from, end, d0, columns, SLAB, loaded);
            __syncthreads();
            for (int i = threadIdx.x; i < tile_rows / 4 * (columns / 4); i += THREADS) {
                int r0 = i / (columns / 4) * 4, c0 = i % (columns / 4) * 4;
                int last_position = min(PIECE, end - first), first_position = max(0, from - first);
                Quad sums = whole ? weigh<true>(rows, r0, scores, pitch, loaded + c0, first, 0, PIECE, value_teams(head_dim))
                                  : weigh<false>(rows, r0, scores, pitch, loaded + c0, first, first_position, last_position, value_teams(head_dim));
#pragma unroll
                for (int r = 0; r < 4; r++)
                    if (rows.piece_factor[r0 + r] >= 0.0f)
#pragma unroll
                        for (int c = 0; c < 4; c++) {
                            float *to = sum + (r0 + r) * head_dim + d0 + c0 + c;
                            *to = gathered(*to, rows.old_factor[r0 + r], sums.at[r][c], rows.piece_factor[r0 + r]);
                        }
            }
            __syncthreads();
        }
    }

    for (int i = threadIdx.x; i < tokens * group * head_dim; i += THREADS) {
        int r = i / head_dim;
        long long row = (long long) (token + r / group) * heads + kv_head * group + r % group;
        out[row * head_dim + i % head_dim] = sum[i] / rows.total[r];
    }
}

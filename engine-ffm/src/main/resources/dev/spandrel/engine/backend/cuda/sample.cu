// Draws a token from each row of logits: greedy, or by temperature, then min-p, top-k, top-p, as Sampler does it, and with its
// exponential, so that the probabilities have its bits; sums are in double, in another order. Only token ids go to the host.
// One block of 1024 threads per row. Where top-k or top-p leave something out, the smallest probability kept is found bit by bit:
// probabilities are not negative, so their bits order them, and 31 sums over the row decide 31 bits.
// Before that what a request changes in its row: tokens that are not allowed, biases, penalties, as its LogitsProcessors do it.
// Truth: Sampler.sample, LogitsProcessor.process. Tried on the host emulation only; no times yet.
#include "spandrel.cuh"

#define THREADS 1024
#define WARPS (THREADS / WARP)
#define NOT_A_NUMBER (-1)
#define NOTHING_ALLOWED (-2)
// What a row's scores are when it is drawn from.
#define UNCHANGED 0
#define CHANGED 1
#define WERE_NO_NUMBERS 2

// Sampler.exp: Cody and Waite's reduction, Cephes' polynomial; 0 below −87 and for NaN.
__device__ __forceinline__ float exponential(float x) {
    if (!(x >= -87.0f)) return 0.0f;
    int n = (int) (x * 1.44269504f - 0.5f);
    float r = fmaf((float) n, -0.693359375f, x);
    r = fmaf((float) n, 2.12194440e-4f, r);
    float p = fmaf(1.9875691500e-4f, r, 1.3981999507e-3f);
    p = fmaf(p, r, 8.3334519073e-3f);
    p = fmaf(p, r, 4.1665795894e-2f);
    p = fmaf(p, r, 1.6666665459e-1f);
    p = fmaf(p, r, 5.0000001201e-1f);
    float e = fmaf(p * r, r, r) + 1.0f;
    return e * __int_as_float((n + 127) << 23);
}

__device__ __forceinline__ double block_total(double value, double *scratch) {
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    for (int lanes = 16; lanes > 0; lanes >>= 1) value += __shfl_xor_sync(ALL_LANES, value, lanes);
    if (lane == 0) scratch[warp] = value;
    __syncthreads();
    double sum = scratch[lane];
    for (int lanes = 16; lanes > 0; lanes >>= 1) sum += __shfl_xor_sync(ALL_LANES, sum, lanes);
    __syncthreads();
    return sum;
}

// The largest logit and where it is first; NaN counts as smallest.
__device__ __forceinline__ int block_best(const float *row, int columns, float *values, int *indices) {
    float best = -INFINITY;
    int at = -1;
    for (int i = threadIdx.x; i < columns; i += THREADS)
        if (row[i] > best || (at < 0 && row[i] == row[i])) {
            best = row[i];
            at = i;
        }
    values[threadIdx.x] = best;
    indices[threadIdx.x] = at;
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half >>= 1) {
        if (threadIdx.x < half) {
            int other = indices[threadIdx.x + half];
            float value = values[threadIdx.x + half];
            int own = indices[threadIdx.x];
            if (other >= 0 && (own < 0 || value > values[threadIdx.x] || (value == values[threadIdx.x] && other < own))) {
                values[threadIdx.x] = value;
                indices[threadIdx.x] = other;
            }
        }
        __syncthreads();
    }
    int result = indices[0];
    __syncthreads();
    return result;
}

// How many, or how much, of the row's probabilities from least on.
__device__ __forceinline__ double from(const float *row, int columns, float max, float inverse, float least, bool count, double *scratch) {
    double sum = 0.0;
    for (int i = threadIdx.x; i < columns; i += THREADS) {
        float p = exponential((row[i] - max) * inverse);
        if (p >= least) sum += count ? 1.0 : (double) p;
    }
    return block_total(sum, scratch);
}

// The largest probability from which on there are as many, or as much, as wanted.
__device__ __forceinline__ float threshold(const float *row, int columns, float max, float inverse, double wanted, bool count, float floor, double *scratch) {
    unsigned bits = 0;
    for (int bit = 30; bit >= 0; bit--) {
        unsigned tried = bits | (1u << bit);
        float least = __uint_as_float(tried);
        if (least <= 1.0f && from(row, columns, max, inverse, least > floor ? least : floor, count, scratch) >= wanted) bits = tried;
    }
    float found = __uint_as_float(bits);
    return found > floor ? found : floor;
}

// Of a target: draw, mask in words of 32 tokens or −1, first change, changes, first update, updates, first count, counts, and as floats
// repetition, frequency, presence.
#define TARGET 11

// One block per changed row, in place. changes: [change] × (token, bias), of which no row has two for one token; updates: [update] ×
// (place, token, count), made to counts before they are read; counts: [place] × (token, how often it came in the output, −1 where
// only in the prompt), which stay from draw to draw.
extern "C" __global__ void KERNEL_BOUNDS(1024) change(float *logits, int columns, const int *rows, const int *targets,
                                                      const unsigned *masks, const int *changes, const int *updates, int *counts,
                                                      int *states) {
    __shared__ float values[THREADS];
    __shared__ int indices[THREADS];
    wait_for_predecessor();
    let_successor_begin();
    const int *target = targets + TARGET * blockIdx.x;
    for (int i = threadIdx.x; i < target[5]; i += THREADS) {
        const int *update = updates + 3 * (target[4] + i);
        counts[2 * update[0]] = update[1];
        counts[2 * update[0] + 1] = update[2];
    }
    float *row = logits + (long long) rows[target[0]] * columns;
    int best = block_best(row, columns, values, indices);
    float most = best < 0 ? 0.0f : row[best];
    if (best < 0 || most - most != 0.0f) {
        if (threadIdx.x == 0) states[target[0]] = WERE_NO_NUMBERS;
        return;
    }
    __syncthreads();
    if (target[1] >= 0) {
        const unsigned *mask = masks + target[1];
        for (int i = threadIdx.x; i < columns; i += THREADS)
            if (!(mask[i / 32] >> (i % 32) & 1)) row[i] = -INFINITY;
        __syncthreads();
    }
    for (int i = threadIdx.x; i < target[3]; i += THREADS) {
        const int *one = changes + 2 * (target[2] + i);
        row[one[0]] += __int_as_float(one[1]);
    }
    __syncthreads();
    float repetition = __int_as_float(target[8]), frequency = __int_as_float(target[9]), presence = __int_as_float(target[10]);
    for (int i = threadIdx.x; i < target[7]; i += THREADS) {
        const int *one = counts + 2 * (target[6] + i);
        float logit = row[one[0]];
        logit = logit > 0.0f ? logit / repetition : logit * repetition;
        row[one[0]] = logit - (one[1] > 0 ? frequency * (float) one[1] + presence : 0.0f);
    }
    if (threadIdx.x == 0) states[target[0]] = CHANGED;
}

// inverse_temperature 0 is greedy; top_k 0 keeps all, min_p 0 too. uniforms are in [0, 1).
extern "C" __global__ void KERNEL_BOUNDS(1024) sample(const float *logits, int columns, const int *rows, const float *inverse_temperatures,
                                                      const int *top_ks, const float *top_ps, const float *min_ps, const int *states,
                                                      const double *uniforms, int *tokens) {
    __shared__ float values[THREADS];
    __shared__ int indices[THREADS];
    __shared__ double scratch[WARPS];
    __shared__ double kept[THREADS];
    __shared__ int chosen;
    wait_for_predecessor();
    let_successor_begin();
    const float *row = logits + (long long) rows[blockIdx.x] * columns;
    int best = block_best(row, columns, values, indices);
    float max = best < 0 ? 0.0f : row[best];
    float inverse = inverse_temperatures[blockIdx.x];
    if (best < 0 || max - max != 0.0f || inverse == 0.0f) {
        bool finite = best >= 0 && max - max == 0.0f;
        if (threadIdx.x == 0) tokens[blockIdx.x] = finite ? best : states[blockIdx.x] == CHANGED ? NOTHING_ALLOWED : NOT_A_NUMBER;
        return;
    }
    int top_k = top_ks[blockIdx.x];
    double top_p = top_ps[blockIdx.x];
    float least = min_ps[blockIdx.x];
    if (top_k > 0 && top_k < columns) least = threshold(row, columns, max, inverse, top_k, true, least, scratch);
    if (top_p < 1.0) {
        // Of what top-k leaves, equals of the last one counted once each as Sampler's sorted row does.
        double all = from(row, columns, max, inverse, least, false, scratch);
        least = threshold(row, columns, max, inverse, top_p * all, false, least, scratch);
    }
    // Each thread owns a stretch of ids, so that the draw goes through them in order.
    int stretch = (columns + THREADS - 1) / THREADS;
    int first = threadIdx.x * stretch, end = first + stretch < columns ? first + stretch : columns;
    double own = 0.0;
    for (int i = first; i < end; i++) {
        float p = exponential((row[i] - max) * inverse);
        if (p >= least) own += p;
    }
    kept[threadIdx.x] = own;
    if (threadIdx.x == 0) chosen = best;
    __syncthreads();
    double before = 0.0, total = 0.0;
    for (int t = 0; t < THREADS; t++) {
        if (t == threadIdx.x) before = total;
        total += kept[t];
    }
    double target = uniforms[blockIdx.x] * total;
    if (own > 0.0 && target >= before && target < before + own) {
        double left = target - before;
        for (int i = first; i < end; i++) {
            float p = exponential((row[i] - max) * inverse);
            if (p >= least) {
                left -= p;
                if (left < 0.0) {
                    chosen = i;
                    break;
                }
            }
        }
    }
    __syncthreads();
    if (threadIdx.x == 0) tokens[blockIdx.x] = chosen;
}

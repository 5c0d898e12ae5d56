// What a .cu file needs to be C++: qualifiers, thread indices, shared memory, barriers and shuffles, on the fibers of the
// emulated driver. Included in front of a kernel's source; nothing of it is part of the engine.
#pragma once
#include <math.h>
#include <string.h>

#define SPANDREL_EMULATION 1
#define __global__
#define __device__
#define __host__
#define __constant__ static const
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __shared__ static
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))

struct uint2 { unsigned x, y; } __attribute__((aligned(8)));
struct uint4 { unsigned x, y, z, w; } __attribute__((aligned(16)));
struct float2 { float x, y; } __attribute__((aligned(8)));
struct float4 { float x, y, z, w; } __attribute__((aligned(16)));
struct EmuDim { unsigned x, y, z; };

// Filled in by the driver when it loads the module.
struct EmuState {
    EmuDim thread, block, blocks, threads;
    char *shared;
    void (*barrier)();
    int (*vote_barrier)(int value);
    unsigned long long (*exchange)(unsigned mask, unsigned long long value, int source);
    unsigned (*ballot)(unsigned mask, int value);
    // Each lane leaves four words; returns those of all 32 lanes, which stay until the next but one exchange.
    const unsigned long long (*(*share)(const unsigned long long *values))[4];
    void (*fail)(const char *what);
};
extern "C" {
__attribute__((visibility("default"))) EmuState *emu_state;
}

#define threadIdx (emu_state->thread)
#define blockIdx (emu_state->block)
#define gridDim (emu_state->blocks)
#define blockDim (emu_state->threads)

static inline void __syncthreads() { emu_state->barrier(); }
static inline int __syncthreads_or(int value) { return emu_state->vote_barrier(value); }
static inline void __syncwarp(unsigned mask = 0xffffffffu) { emu_state->exchange(mask, 0, threadIdx.x & 31); }
static inline void __threadfence() {}
static inline void __threadfence_block() {}

template <class T> static inline T emu_shuffle(unsigned mask, T value, int source) {
    unsigned long long bits = 0;
    memcpy(&bits, &value, sizeof(T));
    bits = emu_state->exchange(mask, bits, source & 31);
    memcpy(&value, &bits, sizeof(T));
    return value;
}
template <class T> static inline T __shfl_sync(unsigned mask, T value, int source) { return emu_shuffle(mask, value, source); }
template <class T> static inline T __shfl_xor_sync(unsigned mask, T value, int lanes) {
    return emu_shuffle(mask, value, (int) (threadIdx.x & 31) ^ lanes);
}
template <class T> static inline T __shfl_down_sync(unsigned mask, T value, unsigned lanes) {
    int lane = threadIdx.x & 31;
    return emu_shuffle(mask, value, lane + (int) lanes > 31 ? lane : lane + (int) lanes);
}
template <class T> static inline T __shfl_up_sync(unsigned mask, T value, unsigned lanes) {
    int lane = threadIdx.x & 31;
    return emu_shuffle(mask, value, lane - (int) lanes < 0 ? lane : lane - (int) lanes);
}
static inline unsigned __ballot_sync(unsigned mask, int value) { return emu_state->ballot(mask, value); }

// One thread runs at a time, so plain reads and writes are atomic.
template <class T> static inline T atomicAdd(T *at, T value) { T old = *at; *at = old + value; return old; }
template <class T> static inline T atomicMax(T *at, T value) { T old = *at; if (value > old) *at = value; return old; }
template <class T> static inline T atomicExch(T *at, T value) { T old = *at; *at = value; return old; }

// --- what mma.cuh has in PTX: all 32 lanes take part, in fragments as the PTX manual lays them out ----------------------

// Copies arrive when somebody waits for them and not before: who forgets to finds what lay there.
struct EmuCopy { void *to; const void *from; int group; };
struct EmuCopies { EmuCopy waiting[256]; int count, group; };
static EmuCopies emu_copies[1024];

static inline void emu_copy_later(void *to, const void *from, bool there) {
    EmuCopies &mine = emu_copies[threadIdx.x];
    if (((unsigned long long) to | (unsigned long long) (there ? from : to)) & 15) emu_state->fail("cp.async of 16 bytes at an address that is no multiple of 16");
    if (mine.count == 256) emu_state->fail("more copies wait than the emulation has room for");
    mine.waiting[mine.count++] = {to, there ? from : nullptr, mine.group};
}
static inline void emu_end_copies() { emu_copies[threadIdx.x].group++; }
static inline void emu_wait_for_copies(int left) {
    EmuCopies &mine = emu_copies[threadIdx.x];
    int kept = 0;
    for (int i = 0; i < mine.count; i++) {
        EmuCopy &copy = mine.waiting[i];
        if (copy.group >= mine.group - left) mine.waiting[kept++] = copy;
        else if (copy.from) memcpy(copy.to, copy.from, 16);
        else memset(copy.to, 0, 16);
    }
    mine.count = kept;
}

static inline void emu_load_matrices(const unsigned short *row, unsigned *into, bool transposed) {
    unsigned long long mine[4] = {(unsigned long long) row};
    auto rows = emu_state->share(mine);
    unsigned lane = threadIdx.x & 31;
    for (unsigned m = 0; m < 4; m++) {
        unsigned banks = 0;
        for (unsigned r = 0; r < 8; r++) {
            if (rows[8 * m + r][0] & 15) emu_state->fail("ldmatrix of a row at an address that is no multiple of 16");
            banks |= 1u << (rows[8 * m + r][0] / 16 % 8);
        }
        if (banks != 0xff) emu_state->fail("ldmatrix of rows that share banks: they would be read one after another");
        unsigned short halves[2];
        for (unsigned i = 0; i < 2; i++) {
            unsigned r = transposed ? lane % 4 * 2 + i : lane / 4, c = transposed ? lane / 4 : lane % 4 * 2 + i;
            halves[i] = ((const unsigned short *) rows[8 * m + r][0])[c];
        }
        into[m] = halves[0] | (unsigned) halves[1] << 16;
    }
}

static inline void emu_multiply_add(float *sums, const unsigned *a, unsigned b0, unsigned b1, float (*widen)(unsigned short)) {
    unsigned long long mine[4] = {a[0] | (unsigned long long) a[1] << 32, a[2] | (unsigned long long) a[3] << 32, b0 | (unsigned long long) b1 << 32};
    auto all = emu_state->share(mine);
    unsigned lane = threadIdx.x & 31;
    for (unsigned i = 0; i < 4; i++) {
        unsigned row = lane / 4 + (i >= 2 ? 8 : 0), column = lane % 4 * 2 + i % 2;
        float sum = 0;
        for (unsigned k = 0; k < 16; k++) {
            // Rows from 8 on are in registers 1 and 3, columns from 8 on in 2 and 3; of b, rows from 8 on in 1.
            unsigned a_register = (row >= 8 ? 1 : 0) + (k >= 8 ? 2 : 0), b_register = k >= 8;
            unsigned long long left = all[row % 8 * 4 + k % 8 / 2][a_register / 2] >> (32 * (a_register % 2) + 16 * (k % 2));
            unsigned long long right = all[column * 4 + k % 8 / 2][2] >> (32 * b_register + 16 * (k % 2));
            sum += widen((unsigned short) left) * widen((unsigned short) right);
        }
        sums[i] += sum;
    }
}

static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __int_as_float(int bits) { float f; memcpy(&f, &bits, 4); return f; }
static inline int __float_as_int(float f) { int bits; memcpy(&bits, &f, 4); return bits; }
static inline unsigned __float_as_uint(float f) { unsigned bits; memcpy(&bits, &f, 4); return bits; }
static inline float __uint_as_float(unsigned bits) { float f; memcpy(&f, &bits, 4); return f; }
static inline int min(int a, int b) { return a < b ? a : b; }
static inline int max(int a, int b) { return a > b ? a : b; }

// One launcher per kernel: unpacks kernelParams by the C++ signature, so that count and widths are the compiler's.
template <class... A> struct EmuLauncher {
    template <unsigned... I> struct Indices {};
    template <unsigned N, unsigned... I> struct Make : Make<N - 1, N - 1, I...> {};
    template <unsigned... I> struct Make<0, I...> { typedef Indices<I...> type; };
    template <unsigned... I> static void call(void (*kernel)(A...), void **p, Indices<I...>) { kernel(*(A *) p[I]...); }
    static void launch(void (*kernel)(A...), void **p) {
        EmuCopies &copies = emu_copies[threadIdx.x];
        copies.count = copies.group = 0;
        call(kernel, p, typename Make<sizeof...(A)>::type());
        if (copies.count) emu_state->fail("a thread ends before its copies have arrived");
    }
    static int sizes(int *into) {
        int all[] = {(int) sizeof(A)..., 0};
        memcpy(into, all, sizeof...(A) * sizeof(int));
        return sizeof...(A);
    }
};
template <class... A> static void emu_launch(void (*kernel)(A...), void **p) { EmuLauncher<A...>::launch(kernel, p); }
template <class... A> static int emu_sizes(void (*)(A...), int *into) { return EmuLauncher<A...>::sizes(into); }

#define EMU_EXPORT(name)                                                                                                 \
    extern "C" __attribute__((visibility("default"))) void emu_launch_##name(void **p) { emu_launch(&name, p); }        \
    extern "C" __attribute__((visibility("default"))) int emu_sizes_##name(int *into) { return emu_sizes(&name, into); }

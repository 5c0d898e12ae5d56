// Tensor-core products of 16-bit tiles in shared memory, and copies that arrive there later. Each instruction has a plain twin that
// the emulation's device.h makes of the layouts which the PTX manual gives for its fragments ("Matrix Fragments for mma.m16n8k16",
// "ldmatrix"), lane by lane: who takes a wrong row or a wrong register gets wrong numbers there too. Needs sm_80.
#pragma once
#include "spandrel.cuh"

#if defined(KV_F16)
#define MMA_TYPE "f16"
#define MMA_NARROW float_to_half
#define MMA_WIDEN half_to_float
#else
#define MMA_TYPE "bf16"
#define MMA_NARROW float_to_bf16
#define MMA_WIDEN bf16_to_float
#endif

#ifndef SPANDREL_EMULATION
__device__ __forceinline__ unsigned shared_address(const void *at) {
    unsigned address;
    asm("{ .reg .u64 wide; cvta.to.shared.u64 wide, %1; cvt.u32.u64 %0, wide; }" : "=r"(address) : "l"(at));
    return address;
}
#endif

// Sixteen bytes to shared memory, or zeros where there is nothing to copy; they are there after wait_for_copies.
__device__ __forceinline__ void copy_later(void *shared, const void *global, bool there) {
#ifdef SPANDREL_EMULATION
    emu_copy_later(shared, global, there);
#else
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global), "r"(there ? 16 : 0) : "memory");
#endif
}

// What was asked for since the last call is one group.
__device__ __forceinline__ void end_copies() {
#ifdef SPANDREL_EMULATION
    emu_end_copies();
#else
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// All but the last LEFT groups of this thread have arrived; others see them behind a barrier.
template <int LEFT> __device__ __forceinline__ void wait_for_copies() {
#ifdef SPANDREL_EMULATION
    emu_wait_for_copies(LEFT);
#else
    asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory");
#endif
}

// Four 8 × 8 matrices: lane i names row i % 8 of matrix i / 8, and gets of each matrix row i / 4, columns 2 · (i % 4) and the next.
__device__ __forceinline__ void load_matrices(const u16 *row, unsigned *into) {
#ifdef SPANDREL_EMULATION
    emu_load_matrices(row, into, false);
#else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(into[0]), "=r"(into[1]), "=r"(into[2]), "=r"(into[3])
                 : "r"(shared_address(row))
                 : "memory");
#endif
}

// The same of the transposed matrices: rows 2 · (i % 4) and the next, column i / 4.
__device__ __forceinline__ void load_matrices_transposed(const u16 *row, unsigned *into) {
#ifdef SPANDREL_EMULATION
    emu_load_matrices(row, into, true);
#else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(into[0]), "=r"(into[1]), "=r"(into[2]), "=r"(into[3])
                 : "r"(shared_address(row))
                 : "memory");
#endif
}

// sums += a × b: a is 16 × 16, b 16 × 8, sums 16 × 8 in F32.
__device__ __forceinline__ void multiply_add(float *sums, const unsigned *a, unsigned b0, unsigned b1) {
#ifdef SPANDREL_EMULATION
    emu_multiply_add(sums, a, b0, b1, MMA_WIDEN);
#else
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." MMA_TYPE "." MMA_TYPE ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#endif
}

// Two values as one register of a fragment, the first in the lower half; they are finite in the fragment's type.
__device__ __forceinline__ unsigned pack(float first, float second) {
#ifdef SPANDREL_EMULATION
    return (unsigned) MMA_NARROW(first) | (unsigned) MMA_NARROW(second) << 16;
#else
    unsigned both;
    asm("cvt.rn." MMA_TYPE "x2.f32 %0, %1, %2;" : "=r"(both) : "f"(second), "f"(first));
    return both;
#endif
}

// As far as F16 goes; BF16 goes as far as F32.
__device__ __forceinline__ float within_type(float value) {
#if defined(KV_F16)
    return fminf(fmaxf(value, -65504.0f), 65504.0f);
#else
    return value;
#endif
}

// 2^x within 2 units in the last place; 0 for −∞.
__device__ __forceinline__ float power_of_two(float x) {
#ifdef SPANDREL_EMULATION
    return exp2f(x);
#else
    float power;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(x));
    return power;
#endif
}

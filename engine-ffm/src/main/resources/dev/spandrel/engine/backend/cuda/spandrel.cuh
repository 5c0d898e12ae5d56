// What all kernels share. No CUDA header is included, so that NVRTC needs no include path, and so that g++ takes the same files
// behind the emulation's device.h. Inline PTX stands here alone, each with a plain twin.
#pragma once

typedef unsigned short u16;

#define WARP 32
#define ALL_LANES 0xffffffffu

#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#endif

#ifdef SPANDREL_EMULATION
#define KERNEL_BOUNDS(threads)
#define DYNAMIC_SHARED(type, name) type *name = (type *) emu_state->shared
#else
#define KERNEL_BOUNDS(threads) __launch_bounds__(threads)
#define DYNAMIC_SHARED(type, name)                                                                                       \
    extern __shared__ __align__(16) unsigned char shared_bytes[];                                                        \
    type *name = (type *) shared_bytes
#endif

// Programmatic dependent launch: a kernel may begin while the one before it drains. Before the wait it may touch only what no
// kernel writes (weights); after it, everything the predecessor wrote is there. Nothing before Hopper.
__device__ __forceinline__ void wait_for_predecessor() {
#if !defined(SPANDREL_EMULATION) && __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

__device__ __forceinline__ void let_successor_begin() {
#if !defined(SPANDREL_EMULATION) && __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

// Asks for the cache line that a later load will want; no effect on what is computed.
__device__ __forceinline__ void prefetch(const void *address) {
#ifndef SPANDREL_EMULATION
    asm volatile("prefetch.global.L2 [%0];" ::"l"(address));
#endif
}

// Sixteen bytes that are read once: past L1, so that what is read often stays there.
__device__ __forceinline__ uint4 load_once(const void *address) {
#ifdef SPANDREL_EMULATION
    return *(const uint4 *) address;
#else
    uint4 v;
    asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(address));
    return v;
#endif
}

__device__ __forceinline__ float bf16_to_float(u16 bits) { return __uint_as_float((unsigned) bits << 16); }

// To nearest, ties to even; NaN stays NaN.
__device__ __forceinline__ u16 float_to_bf16(float value) {
    unsigned bits = __float_as_uint(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (u16) ((bits >> 16) | 0x40u);
    return (u16) ((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

__device__ __forceinline__ float half_to_float(u16 bits) {
#ifdef SPANDREL_EMULATION
    unsigned sign = (bits & 0x8000u) << 16, exponent = (bits >> 10) & 31u, mantissa = bits & 1023u;
    if (exponent == 0) {
        float value = (float) mantissa * 5.9604644775390625e-8f;
        return sign ? -value : value;
    }
    return __uint_as_float(exponent == 31 ? sign | 0x7f800000u | (mantissa << 13) : sign | ((exponent + 112) << 23) | (mantissa << 13));
#else
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
#endif
}

// To nearest, ties to even; what is too large becomes the largest finite.
__device__ __forceinline__ u16 float_to_half(float value) {
    float bounded = value > 65504.0f ? 65504.0f : value < -65504.0f ? -65504.0f : value;
#ifdef SPANDREL_EMULATION
    unsigned bits = __float_as_uint(bounded), sign = (bits >> 16) & 0x8000u, rest = bits & 0x7fffffffu;
    if (rest > 0x7f800000u) return (u16) (sign | 0x7e00u);
    if (rest < 0x38800000u) {
        // Subnormal: the sum with 0.5 puts the rounded mantissa into the low bits.
        return (u16) (sign | (__float_as_uint(__uint_as_float(rest) + 0.5f) - 0x3f000000u));
    }
    return (u16) (sign | ((rest - 0x38000000u + 0xfffu + ((rest >> 13) & 1u)) >> 13));
#else
    u16 result;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result) : "f"(bounded));
    return result;
#endif
}

// All lanes get the sum; the order is fixed, so equal summands give equal bits.
__device__ __forceinline__ float warp_sum(float value) {
    for (int lanes = 16; lanes > 0; lanes >>= 1) value += __shfl_xor_sync(ALL_LANES, value, lanes);
    return value;
}

__device__ __forceinline__ float warp_max(float value) {
    for (int lanes = 16; lanes > 0; lanes >>= 1) value = fmaxf(value, __shfl_xor_sync(ALL_LANES, value, lanes));
    return value;
}

#define NONE 0
#define RELU 1
#define SILU 2
#define GELU 3
#define GELU_TANH 4

__device__ __forceinline__ float activate(int activation, float x) {
    switch (activation) {
        case RELU: return x > 0.0f ? x : 0.0f;
        case SILU: return x / (1.0f + expf(-x));
        case GELU: return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
        case GELU_TANH: return 0.5f * x * (1.0f + tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x)));
        default: return x;
    }
}

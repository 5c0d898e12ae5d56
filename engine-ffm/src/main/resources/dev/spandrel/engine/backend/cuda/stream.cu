// What the bench measures against: reads all of a buffer once, 16 bytes a thread and turn, and writes next to nothing.
#include "spandrel.cuh"

extern "C" __global__ void KERNEL_BOUNDS(256) read_all(const uint4 *in, long long count, unsigned *out) {
    unsigned all = 0;
    long long stride = (long long) gridDim.x * blockDim.x;
    long long i = (long long) blockIdx.x * blockDim.x + threadIdx.x;
    for (; i + 3 * stride < count; i += 4 * stride) {
        uint4 a = load_once(in + i), b = load_once(in + i + stride), c = load_once(in + i + 2 * stride), d = load_once(in + i + 3 * stride);
        all ^= a.x ^ a.y ^ a.z ^ a.w ^ b.x ^ b.y ^ b.z ^ b.w ^ c.x ^ c.y ^ c.z ^ c.w ^ d.x ^ d.y ^ d.z ^ d.w;
    }
    for (; i < count; i += stride) {
        uint4 a = load_once(in + i);
        all ^= a.x ^ a.y ^ a.z ^ a.w;
    }
    if (all == 0x12345678u) out[0] = all;
}

// BF16 values of about ±0.02: zeros would cost the device less power than weights do.
extern "C" __global__ void KERNEL_BOUNDS(256) randomize(u16 *out, long long count) {
    for (long long i = (long long) blockIdx.x * blockDim.x + threadIdx.x; i < count; i += (long long) gridDim.x * blockDim.x) {
        unsigned h = (unsigned) i * 2654435761u ^ (unsigned) (i >> 32);
        h ^= h >> 15;
        h *= 2246822519u;
        h ^= h >> 13;
        out[i] = float_to_bf16(((float) (h & 0xffffu) - 32768.0f) * 6.1e-7f);
    }
}

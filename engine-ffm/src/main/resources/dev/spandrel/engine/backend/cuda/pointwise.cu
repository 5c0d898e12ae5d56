// What is done to single values and rows: one thread per value, in strides of the grid.
// Truth: ReferenceBackend.add, scale, softCap, gate, gatherRows. Tried on the host emulation only; no times yet.
#include "spandrel.cuh"

#define FOR_EACH(i, count)                                                                                               \
    for (long long i = (long long) blockIdx.x * blockDim.x + threadIdx.x; i < (count); i += (long long) gridDim.x * blockDim.x)

extern "C" __global__ void KERNEL_BOUNDS(256) add(const float *in, long long count, float *out) {
    wait_for_predecessor();
    let_successor_begin();
    FOR_EACH(i, count) out[i] += in[i];
}

extern "C" __global__ void KERNEL_BOUNDS(256) scale(float *values, long long count, float factor) {
    wait_for_predecessor();
    let_successor_begin();
    FOR_EACH(i, count) values[i] *= factor;
}

extern "C" __global__ void KERNEL_BOUNDS(256) soft_cap(float *values, long long count, float cap) {
    wait_for_predecessor();
    let_successor_begin();
    FOR_EACH(i, count) values[i] = cap * tanhf(values[i] / cap);
}

extern "C" __global__ void KERNEL_BOUNDS(256) activation(float *values, long long count, int kind) {
    wait_for_predecessor();
    let_successor_begin();
    FOR_EACH(i, count) values[i] = activate(kind, values[i]);
}

// What follows a product whose library does not know it: a bias for each column, or null, and an activation. Rows are PITCH apart.
extern "C" __global__ void KERNEL_BOUNDS(256) finish(float *values, int rows, int columns, int pitch, const float *bias, int kind) {
    wait_for_predecessor();
    let_successor_begin();
    FOR_EACH(i, (long long) rows * columns) {
        float *at = values + i / columns * pitch + i % columns;
        *at = activate(kind, bias ? *at + bias[i % columns] : *at);
    }
}

// in: rows × 2·columns.
extern "C" __global__ void KERNEL_BOUNDS(256) gate(const float *in, int rows, int columns, int kind, float *out) {
    wait_for_predecessor();
    let_successor_begin();
    FOR_EACH(i, (long long) rows * columns) {
        long long row = i / columns, column = i % columns;
        const float *at = in + row * 2 * columns + column;
        out[i] = activate(kind, at[0]) * at[columns];
    }
}

extern "C" __global__ void KERNEL_BOUNDS(256) gather_rows(const float *in, const int *rows, int count, int columns, float *out) {
    wait_for_predecessor();
    let_successor_begin();
    FOR_EACH(i, (long long) count * columns) out[i] = in[(long long) rows[i / columns] * columns + i % columns];
}

// F32 to the 16-bit type of the weights, for tensor cores; rows are padded to pitch with zeros.
extern "C" __global__ void KERNEL_BOUNDS(256) narrow(const float *in, int rows, int columns, int pitch, int bfloat, u16 *out) {
    wait_for_predecessor();
    let_successor_begin();
    FOR_EACH(i, (long long) rows * pitch) {
        long long row = i / pitch, column = i % pitch;
        float value = column < columns ? in[row * columns + column] : 0.0f;
        out[i] = bfloat ? float_to_bf16(value) : float_to_half(value);
    }
}

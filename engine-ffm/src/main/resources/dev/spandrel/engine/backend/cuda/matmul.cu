// Products of up to eight rows, two columns a warp: see matmul.cuh.
#include "matmul.cuh"

extern "C" __global__ void KERNEL_BOUNDS(256) matmul_1(const float *in, int rows, int inner, int norm_kind, const float *norm_weight, const float *norm_bias, float epsilon, const char *weight, const void *scales, int pitch, const float *bias, int columns, int activation, int accumulate, int gate, int out_pitch, float *out) {
    matmul<1, 2>(ARGUMENTS);
}

extern "C" __global__ void KERNEL_BOUNDS(256) matmul_2(const float *in, int rows, int inner, int norm_kind, const float *norm_weight, const float *norm_bias, float epsilon, const char *weight, const void *scales, int pitch, const float *bias, int columns, int activation, int accumulate, int gate, int out_pitch, float *out) {
    matmul<2, 2>(ARGUMENTS);
}

extern "C" __global__ void KERNEL_BOUNDS(256) matmul_4(const float *in, int rows, int inner, int norm_kind, const float *norm_weight, const float *norm_bias, float epsilon, const char *weight, const void *scales, int pitch, const float *bias, int columns, int activation, int accumulate, int gate, int out_pitch, float *out) {
    matmul<4, 2>(ARGUMENTS);
}

extern "C" __global__ void KERNEL_BOUNDS(256) matmul_8(const float *in, int rows, int inner, int norm_kind, const float *norm_weight, const float *norm_bias, float epsilon, const char *weight, const void *scales, int pitch, const float *bias, int columns, int activation, int accumulate, int gate, int out_pitch, float *out) {
    matmul<8, 2>(ARGUMENTS);
}

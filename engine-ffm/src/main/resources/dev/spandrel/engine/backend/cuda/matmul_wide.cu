// Products of up to eight rows, four columns a warp, for 16-bit weights: see matmul.cuh.
#include "matmul.cuh"

extern "C" __global__ void KERNEL_BOUNDS(256) matmul_8_wide(const float *in, int rows, int inner, int norm_kind, const float *norm_weight, const float *norm_bias, float epsilon, const char *weight, const void *scales, int pitch, const float *bias, int columns, int activation, int accumulate, int gate, int out_pitch, float *out) {
    matmul<8, 4>(ARGUMENTS);
}

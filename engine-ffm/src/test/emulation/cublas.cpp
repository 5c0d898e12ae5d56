// cuBLAS as far as we call it: products of transposed A and plain B, F32 sums, output in F32 or BF16, nothing behind them.
#include "products.h"

namespace {
// In host memory as the real one: a stream and a workspace belong to the handle, which a product without a stream of its own takes.
struct Handle { CUstream stream = nullptr; uint64_t workspace = 0; size_t workspace_bytes = 0; int math = 0; };
constexpr int INVALID = 7, NOT_SUPPORTED = 15, PEDANTIC_MATH = 2, COMPUTE_32F = 68, COMPUTE_32F_PEDANTIC = 69;

void write(char *c, int type, uint64_t at, float value) {
    uint32_t bits; memcpy(&bits, &value, 4);
    if (type == 0) { memcpy(c + 4 * at, &bits, 4); return; }
    uint16_t upper = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    memcpy(c + 2 * at, &upper, 2);
}
}

#define ENTER(call)                                                                                                      \
    if (int status = emu::enter_library(#call)) return status;                                                           \
    if (!emu::is_live(handle)) return 1

API const char *cublasGetStatusName(int status) { return status_name(status); }
API const char *cublasGetStatusString(int) { return "emulated"; }
API int cublasCreate_v2(void **out) { return make("cublasCreate_v2", out, new Handle()); }
API int cublasDestroy_v2(void *handle) { return unmake<Handle>("cublasDestroy_v2", handle); }
API int cublasSetStream_v2(void *handle, CUstream stream) {
    ENTER(cublasSetStream_v2);
    // Setting the stream takes the workspace away again.
    *(Handle *) handle = {stream, 0, 0, ((Handle *) handle)->math};
    return 0;
}
API int cublasSetWorkspace_v2(void *handle, void *workspace, size_t bytes) {
    ENTER(cublasSetWorkspace_v2);
    if ((uint64_t) workspace % 256 || !emu::on_device((uint64_t) workspace, bytes)) return INVALID;
    ((Handle *) handle)->workspace = (uint64_t) workspace;
    ((Handle *) handle)->workspace_bytes = bytes;
    return 0;
}
API int cublasSetMathMode(void *handle, int mode) {
    ENTER(cublasSetMathMode);
    if (mode < 0 || mode > 3) return INVALID;
    ((Handle *) handle)->math = mode;
    return 0;
}
API int cublasGemmEx(void *handle, int transpose_a, int transpose_b, int m, int n, int k, const float *alpha, const void *a, int a_type, int lda,
                     const void *b, int b_type, int ldb, const float *beta, void *c, int c_type, int ldc, int compute, int algorithm) {
    ENTER(cublasGemmEx);
    Handle &h = *(Handle *) handle;
    if (m < 0 || n < 0 || k < 0 || lda < k || ldb < k || ldc < m || algorithm != -1) return INVALID;
    if (transpose_a != 1 || transpose_b != 0 || a_type != b_type || (c_type != 0 && (c_type != 14 || a_type != 14)) || (a_type != 0 && a_type != 2 && a_type != 14)) return NOT_SUPPORTED;
    // F32 that may be rounded to TF32 on the way is not what is asked for.
    bool pedantic = h.math == PEDANTIC_MATH;
    if (compute != (a_type == 0 ? COMPUTE_32F_PEDANTIC : COMPUTE_32F) || pedantic != (a_type == 0)) return NOT_SUPPORTED;
    Layout la = {a_type, (uint64_t) k, (uint64_t) m, lda}, lb = {b_type, (uint64_t) k, (uint64_t) n, ldb}, lc = {c_type, (uint64_t) m, (uint64_t) n, ldc};
    if (!emu::on_device((uint64_t) a, span(la)) || !emu::on_device((uint64_t) b, span(lb)) || !emu::on_device((uint64_t) c, span(lc))) return INVALID;
    float by = *alpha, keep = *beta;
    return emu::enqueue(h.stream, [=] {
        return products((const char *) a, la, (const char *) b, lb, lc, [&](uint64_t, uint64_t at, float sum) {
            write((char *) c, c_type, at, by * sum + (keep != 0 ? keep * element((const char *) c, c_type, at) : 0));
        });
    }) ? 13 : 0;
}

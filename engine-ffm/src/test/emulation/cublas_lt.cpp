// cuBLASLt as three loops: transposed A times plain B, F32 sums and output, bias, ReLU and the tanh form of GELU.
#include "products.h"

namespace {
struct Handle { int unused; };
struct Descriptor { int compute, scale; int transpose_a = 0, transpose_b = 0, epilogue = 1; uint64_t bias = 0; };
struct Preference { uint64_t workspace = 0; };
struct Algorithm { uint64_t magic; char rest[56]; };
struct Result { Algorithm algorithm; size_t workspace; int state; float waves; int reserved[4]; };
constexpr uint64_t MAGIC = 0x5370616e6472656cull;

int multiply(const Descriptor &d, const char *a, const Layout &la, const char *b, const Layout &lb, float alpha, float beta, float *c, const Layout &lc) {
    return products(a, la, b, lb, lc, [&](uint64_t m, uint64_t at, float sum) {
        float value = alpha * sum + (beta != 0 ? beta * c[at] : 0);
        if (d.epilogue & 4) value += ((const float *) d.bias)[m];
        if (d.epilogue & 2) value = value > 0 ? value : 0;
        if (d.epilogue & 32) value = 0.5f * value * (1 + std::tanh(0.7978845608f * (value + 0.044715f * value * value * value)));
        c[at] = value;
    });
}
}

#define ENTER(call) if (int status = emu::enter_library(#call)) return status

API const char *cublasLtGetStatusName(int status) { return status_name(status); }
API const char *cublasLtGetStatusString(int) { return "emulated"; }
API size_t cublasLtGetVersion() { return 130000; }
API int cublasLtCreate(void **out) { return make("cublasLtCreate", out, new Handle()); }
API int cublasLtDestroy(void *handle) { return unmake<Handle>("cublasLtDestroy", handle); }
API int cublasLtMatmulDescCreate(void **out, int compute, int scale) { Descriptor *d = new Descriptor(); d->compute = compute; d->scale = scale; return make("cublasLtMatmulDescCreate", out, d); }
API int cublasLtMatmulDescDestroy(void *handle) { return unmake<Descriptor>("cublasLtMatmulDescDestroy", handle); }
API int cublasLtMatmulDescSetAttribute(void *handle, int attribute, const void *value, size_t bytes) {
    ENTER(cublasLtMatmulDescSetAttribute);
    if (!emu::is_live(handle)) return 7;
    Descriptor *d = (Descriptor *) handle;
    if (attribute == 8 && bytes == 8) { memcpy(&d->bias, value, 8); return 0; }
    if (bytes != 4) return 7;
    if (attribute == 3) memcpy(&d->transpose_a, value, 4);
    else if (attribute == 4) memcpy(&d->transpose_b, value, 4);
    else if (attribute == 7) memcpy(&d->epilogue, value, 4);
    else return 7;
    return 0;
}
API int cublasLtMatrixLayoutCreate(void **out, int type, uint64_t rows, uint64_t columns, int64_t pitch) {
    if (pitch < (int64_t) rows || (type != 0 && type != 2 && type != 14)) return 7;
    return make("cublasLtMatrixLayoutCreate", out, new Layout{type, rows, columns, pitch});
}
API int cublasLtMatrixLayoutDestroy(void *handle) { return unmake<Layout>("cublasLtMatrixLayoutDestroy", handle); }
API int cublasLtMatmulPreferenceCreate(void **out) { return make("cublasLtMatmulPreferenceCreate", out, new Preference()); }
API int cublasLtMatmulPreferenceDestroy(void *handle) { return unmake<Preference>("cublasLtMatmulPreferenceDestroy", handle); }
API int cublasLtMatmulPreferenceSetAttribute(void *handle, int attribute, const void *value, size_t bytes) {
    ENTER(cublasLtMatmulPreferenceSetAttribute);
    if (attribute != 1 || bytes != 8) return 7;
    memcpy(&((Preference *) handle)->workspace, value, 8);
    return 0;
}
API int cublasLtMatmulAlgoGetHeuristic(void *, void *descriptor, void *a, void *b, void *c, void *d, void *, int wanted, void *results, int *found) {
    ENTER(cublasLtMatmulAlgoGetHeuristic);
    if (!emu::is_live(descriptor) || !emu::is_live(a) || !emu::is_live(b) || !emu::is_live(c) || !emu::is_live(d) || wanted < 1) return 7;
    Result *result = (Result *) results;
    memset(result, 0, sizeof *result);
    result->algorithm.magic = MAGIC;
    *found = 1;
    return 0;
}
API int cublasLtMatmul(void *handle, void *descriptor, const float *alpha, const void *a, void *adesc, const void *b, void *bdesc, const float *beta,
                       const void *c, void *cdesc, void *d, void *ddesc, const Algorithm *algorithm, void *workspace, size_t workspace_bytes, CUstream stream) {
    ENTER(cublasLtMatmul);
    if (!emu::is_live(handle) || !emu::is_live(descriptor) || algorithm->magic != MAGIC || c != d || cdesc != ddesc) return 7;
    Descriptor desc = *(Descriptor *) descriptor;
    Layout la = *(Layout *) adesc, lb = *(Layout *) bdesc, ld = *(Layout *) ddesc;
    float by = *alpha, keep = *beta;
    if (desc.transpose_a != 1 || desc.transpose_b != 0 || la.rows != lb.rows || la.type != lb.type || ld.type != 0 || ld.rows != la.columns || ld.columns != lb.columns) return 15;
    if (!emu::on_device((uint64_t) a, span(la)) || !emu::on_device((uint64_t) b, span(lb)) || !emu::on_device((uint64_t) d, span(ld))
        || !emu::on_device((uint64_t) workspace, workspace_bytes) || ((desc.epilogue & 4) && !emu::on_device(desc.bias, 4 * ld.rows))) return 7;
    return emu::enqueue(stream, [=] { return multiply(desc, (const char *) a, la, (const char *) b, lb, by, keep, (float *) d, ld); }) ? 13 : 0;
}

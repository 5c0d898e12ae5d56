// What both libraries for products share: operands column by column in three element types, and handles that are accounted for.
#pragma once
#include "emulation.h"

#include <cmath>
#include <cstring>
#include <vector>

namespace {
struct Layout { int type; uint64_t rows, columns; int64_t pitch; };

int element_bytes(int type) { return type == 0 ? 4 : 2; }

float half(uint16_t bits) {
    uint32_t sign = (bits & 0x8000u) << 16, exponent = bits >> 10 & 31, mantissa = bits & 1023, out;
    if (exponent == 0) { float value = std::ldexp((float) mantissa, -24); return sign ? -value : value; }
    out = exponent == 31 ? sign | 0x7f800000u | mantissa << 13 : sign | (exponent + 112) << 23 | mantissa << 13;
    float value; memcpy(&value, &out, 4); return value;
}

float element(const char *at, int type, uint64_t i) {
    if (type == 0) { float value; memcpy(&value, at + 4 * i, 4); return value; }
    uint16_t bits; memcpy(&bits, at + 2 * i, 2);
    if (type == 2) return half(bits);
    uint32_t wide = (uint32_t) bits << 16; float value; memcpy(&value, &wide, 4); return value;
}

uint64_t span(const Layout &l) { return ((l.columns - 1) * l.pitch + l.rows) * element_bytes(l.type); }

// Sums of transposed a times plain b, each given with its row of c and what it is to become.
template <class F> int products(const char *a, const Layout &la, const char *b, const Layout &lb, const Layout &lc, F become) {
    std::vector<float> row(la.rows);
    for (uint64_t m = 0; m < la.columns; m++) {
        for (uint64_t k = 0; k < la.rows; k++) row[k] = element(a, la.type, m * la.pitch + k);
        for (uint64_t n = 0; n < lb.columns; n++) {
            float sum = 0;
            for (uint64_t k = 0; k < la.rows; k++) sum += row[k] * element(b, lb.type, n * lb.pitch + k);
            become(m, n * lc.pitch + m, sum);
        }
    }
    return 0;
}

template <class T> int make(const char *call, void **out, T *made) {
    if (int status = emu::enter_library(call)) { delete made; return status; }
    emu::track(made);
    *out = made;
    return 0;
}
template <class T> int unmake(const char *call, void *handle) {
    int status = emu::enter_library(call);
    if (!emu::release(handle)) return 7;
    delete (T *) handle;
    return status;
}

// Statuses of both libraries.
inline const char *status_name(int status) {
    return status == 1 ? "CUBLAS_STATUS_NOT_INITIALIZED" : status == 3 ? "CUBLAS_STATUS_ALLOC_FAILED" : status == 7 ? "CUBLAS_STATUS_INVALID_VALUE" : status == 13 ? "CUBLAS_STATUS_EXECUTION_FAILED"
         : status == 15 ? "CUBLAS_STATUS_NOT_SUPPORTED" : "CUBLAS_STATUS_INTERNAL_ERROR";
}
}

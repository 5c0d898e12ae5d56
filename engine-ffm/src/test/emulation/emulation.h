// What the emulated libraries share. Types come from cuda.h where it is at hand, so that the compiler checks each prototype,
// else from the few lines below, whose sizes abi-facts.txt vouches for.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>

#ifdef HAVE_CUDA_H
#include <cuda.h>
#else
typedef int CUresult;
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphExec_st *CUgraphExec;
typedef int CUdevice_attribute;
typedef int CUfunction_attribute;
typedef int CUjit_option;
typedef int CUstreamCaptureMode;
typedef int CUgraphExecUpdateResult;
typedef struct CUgraphNode_st *CUgraphNode;
typedef struct { CUgraphExecUpdateResult result; CUgraphNode errorNode, errorFromNode; } CUgraphExecUpdateResultInfo;
typedef struct { unsigned gridDimX, gridDimY, gridDimZ, blockDimX, blockDimY, blockDimZ, sharedMemBytes; CUstream hStream;
    void *attrs; unsigned numAttrs; } CUlaunchConfig;
#endif

#define API extern "C" __attribute__((visibility("default")))

namespace emu {
constexpr int SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, INVALID_CONTEXT = 201, INVALID_IMAGE = 200,
              INVALID_HANDLE = 400, NOT_FOUND = 500, NOT_READY = 600, ILLEGAL_ADDRESS = 700, LAUNCH_FAILED = 719,
              CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901, CAPTURED_EVENT = 907, UPDATE_FAILURE = 910;
// As CUgraphNodeType has them.
enum NodeType { KERNEL, MEMCPY, MEMSET, EVENT_RECORD = 7 };

// Counts the call; a status other than 0 is what a test asked for, or the device's lasting error.
int enter(const char *call, bool needs_context);
// The same for the libraries above the driver, whose own statuses a test injects.
int enter_library(const char *call);
void track(const void *handle);
bool is_live(const void *handle);
bool release(const void *handle);
// Whether [address, address + bytes) lies in one live allocation of the device.
bool on_device(uint64_t address, size_t bytes);
// Queues work on a stream, or records it while the stream captures; fixed is what a node may not change in an update.
int enqueue(CUstream stream, std::function<int()> work, NodeType type = KERNEL, int fixed = 0);
}

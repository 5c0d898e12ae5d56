package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.cuda.CudaMemory;
import dev.spandrel.engine.tensor.Buffer;

/** Activations in device memory, F32. */
record CudaBuffer(CudaMemory memory, long capacity) implements Buffer {
    static CudaMemory of(Buffer buffer) {
        return ((CudaBuffer) buffer).memory;
    }
}

package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.KvLayer;
import dev.spandrel.engine.cuda.CudaMemory;

/**
 * One layer's keys and values in device memory.
 *
 * @param keys [block][kv head][offset][head dim]
 * @param values as keys
 * @param keyScales [block][kv head][offset], F32; null but for INT8
 * @param valueScales as keyScales
 */
record CudaKv(
        KvDType dtype, int blockSize, CudaMemory keys, CudaMemory values, CudaMemory keyScales, CudaMemory valueScales)
        implements KvLayer {}

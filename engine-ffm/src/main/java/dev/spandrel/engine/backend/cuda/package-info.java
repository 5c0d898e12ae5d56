/**
 * The backend on a CUDA device: kernels as {@code .cu} resources, weights in device memory, and decode steps that are recorded
 * once and launched as one. It reaches the device through {@code dev.spandrel.engine.cuda} alone. Start reading at {@link
 * dev.spandrel.engine.backend.cuda.CudaBackend}.
 */
package dev.spandrel.engine.backend.cuda;

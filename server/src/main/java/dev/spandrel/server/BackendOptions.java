package dev.spandrel.server;

import dev.spandrel.engine.EngineConfig;
import picocli.CommandLine.Option;

/** The flags of {@code serve} that say what computes. */
final class BackendOptions {
    @Option(
            names = "--backend",
            defaultValue = "auto",
            paramLabel = "NAME",
            description = "auto (CUDA where a device answers, else the CPU), cuda, cpu or reference."
                    + " Default: ${DEFAULT-VALUE}.")
    private String backend;

    @Option(
            names = "--cuda-library-path",
            defaultValue = "",
            paramLabel = "PATH",
            description = "Folders to look for libcuda, libnvrtc and libcublasLt in first, separated as in PATH."
                    + " Default: the loader's, CUDA_HOME, the usual folders, Python's nvidia packages.")
    private String cudaLibraryPath;

    @Option(
            names = "--gpu-memory-utilization",
            defaultValue = "" + EngineConfig.DEFAULT_GPU_MEMORY_UTILIZATION,
            paramLabel = "SHARE",
            description =
                    "Share of the GPU's memory that the server may use; what weights leave of it becomes KV cache."
                            + " Default: ${DEFAULT-VALUE}.")
    private double gpuMemoryUtilization;

    @Option(
            names = "--dtype",
            defaultValue = "auto",
            paramLabel = "NAME",
            description = "What weights are kept as: auto (as stored), float32, bfloat16 or float16. Default:"
                    + " ${DEFAULT-VALUE}.")
    private String dtype;

    @Option(
            names = {"--quantization", "-q"},
            defaultValue = "none",
            paramLabel = "NAME",
            description = "Quantize matrices on load, weights only: int8 (a scale per row) or int4 (a scale per 32"
                    + " weights). Default: ${DEFAULT-VALUE}.")
    private String quantization;

    @Option(
            names = "--activation-dtype",
            defaultValue = "auto",
            paramLabel = "NAME",
            description =
                    "Round the inputs of int8 and int4 weights and of GGUF's blocks: auto (no more than nothing to"
                            + " speak of) or int8 (a scale per 32 inputs, as llama.cpp; faster in batches, logits move by percents; CPU"
                            + " only). Default: ${DEFAULT-VALUE}.")
    private String activationDType;

    @Option(
            names = "--amx",
            negatable = true,
            defaultValue = "true",
            fallbackValue = "true",
            description = "Whether the CPU backend may use AMX tiles where the processor has them. Default:"
                    + " ${DEFAULT-VALUE}.")
    private boolean amx;

    @Option(
            names = "--machine-code",
            negatable = true,
            defaultValue = "true",
            fallbackValue = "true",
            description =
                    "Whether the CPU backend may use instructions the Vector API does not offer (VNNI, BF16, AMX)."
                            + " Default: ${DEFAULT-VALUE}.")
    private boolean machineCode;

    @Option(
            names = "--threads",
            defaultValue = "0",
            paramLabel = "N",
            description = "CPU worker threads. Default: the physical cores this process may use.")
    private int threads;

    /** Adds them to an engine's configuration. */
    EngineConfig.Builder into(EngineConfig.Builder engine) {
        return engine.backend(backend)
                .cudaLibraryPath(cudaLibraryPath)
                .gpuMemoryUtilization(gpuMemoryUtilization)
                .dtype(dtype)
                .quantization(quantization)
                .activationDType(activationDType)
                .amx(amx)
                .machineCode(machineCode)
                .threads(threads);
    }
}

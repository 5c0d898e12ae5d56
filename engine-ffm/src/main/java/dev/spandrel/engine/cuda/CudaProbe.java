package dev.spandrel.engine.cuda;

import java.util.List;

/** What probing for CUDA found; a value, never an exception. */
public sealed interface CudaProbe {
    /**
     * Everything is loaded and at least one device answers.
     *
     * @param driver CUDA version of the driver, e.g. {@code 13.0}
     * @param nvrtc version of NVRTC
     * @param libraries files that were loaded, in order
     * @param devices how many devices this process may see ({@code CUDA_VISIBLE_DEVICES} is the driver's to honour)
     */
    record Present(String driver, String nvrtc, List<String> libraries, int devices) implements CudaProbe {}

    /**
     * Not here.
     *
     * @param reason what was looked for and found instead
     * @param cure what to do about it
     */
    record Absent(String reason, String cure) implements CudaProbe {}
}

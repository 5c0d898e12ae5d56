package dev.spandrel.engine.cuda;

import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;

/**
 * Where the libraries are looked for and where compiled kernels are kept.
 *
 * @param libraryPath folders to look in first, separated as in {@code PATH}; empty = the usual places
 * @param kernelCache folder of compiled kernels
 * @param environment the process's variables: {@code CUDA_HOME}, {@code LD_LIBRARY_PATH}, {@code VIRTUAL_ENV} and the like
 */
public record CudaSettings(String libraryPath, Path kernelCache, Map<String, String> environment) {
    public CudaSettings {
        Objects.requireNonNull(libraryPath, "libraryPath");
        Objects.requireNonNull(kernelCache, "kernelCache");
        environment = Map.copyOf(environment);
    }

    /** This process's environment; kernels under {@code SPANDREL_CACHE}, {@code XDG_CACHE_HOME} or {@code ~/.cache}. */
    public static CudaSettings of(String libraryPath, Map<String, String> environment, Path home) {
        String own = environment.getOrDefault("SPANDREL_CACHE", "");
        String xdg = environment.getOrDefault("XDG_CACHE_HOME", "");
        Path base = !own.isEmpty()
                ? Path.of(own)
                : (xdg.isEmpty() ? home.resolve(".cache") : Path.of(xdg)).resolve("spandrel");
        return new CudaSettings(libraryPath, base.resolve("cuda-kernels"), environment);
    }
}

package dev.spandrel.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What can be said of the libraries without any of them. */
class CudaLibraryTest {
    @Test
    void kernelsAreKeptWhereCachesAre(@TempDir Path home) {
        assertThat(CudaSettings.of("", Map.of(), home).kernelCache())
                .isEqualTo(home.resolve(".cache/spandrel/cuda-kernels"));
        assertThat(CudaSettings.of("", Map.of("XDG_CACHE_HOME", "/x"), home).kernelCache())
                .isEqualTo(Path.of("/x/spandrel/cuda-kernels"));
        assertThat(CudaSettings.of("", Map.of("SPANDREL_CACHE", "/y"), home).kernelCache())
                .isEqualTo(Path.of("/y/cuda-kernels"));
    }

    @Test
    void foldersComeInOrder(@TempDir Path root) throws Exception {
        Path wheel = root.resolve("venv/lib/python3.12/site-packages/nvidia/cu13/lib");
        Path toolkit = root.resolve("cuda/lib64");
        Path given = root.resolve("given");
        for (Path folder : List.of(wheel, toolkit, given)) {
            java.nio.file.Files.createDirectories(folder);
            java.nio.file.Files.createFile(folder.resolve("libspandrel-none.so.1"));
        }
        Map<String, String> environment = Map.of(
                "VIRTUAL_ENV",
                root.resolve("venv").toString(),
                "CUDA_HOME",
                root.resolve("cuda").toString());
        assertThat(find(environment, "")).isEqualTo(toolkit.resolve("libspandrel-none.so.1"));
        assertThat(find(environment, given.toString())).isEqualTo(given.resolve("libspandrel-none.so.1"));
        assertThat(find(Map.of("VIRTUAL_ENV", environment.get("VIRTUAL_ENV")), ""))
                .isEqualTo(wheel.resolve("libspandrel-none.so.1"));
    }

    private static Path find(Map<String, String> environment, String path) {
        CudaSettings settings = new CudaSettings(path, Path.of("none"), environment);
        return LibraryFolders.of(settings).find("libspandrel-none.so.1").orElseThrow();
    }

    @Test
    void signaturesAreReadFromTheSource() {
        String source = """
                extern "C" __global__ void KERNEL_BOUNDS(256) one(const float *in, long long count,
                                                                  int kind, float by, char *out) {
                    wait_for_predecessor();
                }
                """;
        KernelSignature one = KernelSignature.all(source).get("one");
        assertThat(one.parameters().toString()).isEqualTo("[POINTER, LONG, INT, FLOAT, POINTER]");
        assertThat(one.overlaps()).isTrue();
    }

    @Test
    void failuresNameCallNumberAndText() {
        CudaException lost =
                new CudaException("cuLaunchKernelEx", 719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure");
        assertThat(lost)
                .hasMessage("cuLaunchKernelEx failed: CUDA_ERROR_LAUNCH_FAILED (719), unspecified launch failure");
        assertThat(lost.isSticky()).isTrue();
        CudaException full = new CudaException("cuMemAlloc_v2", 2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory");
        assertThat(full.isSticky()).isFalse();
        assertThat(full.isOutOfMemory()).isTrue();
        assertThat(new CudaException("cublasLtMatmul", 2, "CUBLAS_STATUS_X", "").isOutOfMemory())
                .isFalse();
    }
}

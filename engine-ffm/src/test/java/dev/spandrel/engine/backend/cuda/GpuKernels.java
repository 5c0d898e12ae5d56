package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.cuda.CudaContext;
import dev.spandrel.engine.cuda.CudaDevice;
import dev.spandrel.engine.cuda.CudaLibrary;
import dev.spandrel.engine.cuda.CudaProbe;
import dev.spandrel.engine.cuda.CudaSettings;
import dev.spandrel.engine.cuda.KernelCache;
import dev.spandrel.engine.cuda.KernelCompiler;
import dev.spandrel.engine.cuda.KernelSource;
import java.nio.file.Path;
import java.util.List;

/**
 * Compiles every kernel for this machine's device, on all its cores, and keeps them: what follows would compile one after the
 * other as it comes to them, and the first minutes with a device are dear.
 */
public final class GpuKernels {
    private GpuKernels() {}

    public static void main(String[] args) {
        CudaSettings settings = CudaSettings.of(
                System.getProperty("spandrel.cuda.library.path", ""),
                System.getenv(),
                Path.of(System.getProperty("user.home")));
        if (CudaLibrary.probe(settings) instanceof CudaProbe.Absent absent) {
            throw new IllegalStateException(absent.reason() + " (" + absent.cure() + ")");
        }
        long begin = System.nanoTime();
        String architecture;
        try (CudaContext context = CudaContext.open(CudaDevice.of(0))) {
            architecture = context.device().architecture();
        }
        KernelCache cache = new KernelCache(settings.kernelCache(), KernelCompiler.version());
        List<KernelSource> all = CudaKernels.all();
        all.parallelStream().forEach(source -> cache.cubin(source, architecture));
        System.out.printf(
                java.util.Locale.ROOT,
                "%d modules for %s in %.1f s, in %s%n",
                all.size(),
                architecture,
                (System.nanoTime() - begin) / 1e9,
                settings.kernelCache());
    }
}

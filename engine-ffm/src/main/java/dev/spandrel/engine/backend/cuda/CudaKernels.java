package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.WeightFormat;
import dev.spandrel.engine.cuda.CudaDevice;
import dev.spandrel.engine.cuda.CudaKernel;
import dev.spandrel.engine.cuda.CudaModule;
import dev.spandrel.engine.cuda.KernelCache;
import dev.spandrel.engine.cuda.KernelSource;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The kernels, compiled when first asked for: one module per source and element type. */
final class CudaKernels implements AutoCloseable {
    private static final List<String> HEADERS = List.of(
            "spandrel.cuh",
            "normalize.cuh",
            "weights.cuh",
            "matmul.cuh",
            "blocks.cuh",
            "cache.cuh",
            "pieces.cuh",
            "mma.cuh");

    private final CudaDevice device;
    private final KernelCache cache;
    private final Map<String, CudaModule> modules = new HashMap<>();
    private final Map<String, CudaKernel> kernels = new HashMap<>();

    CudaKernels(CudaDevice device, KernelCache cache) {
        this.device = device;
        this.cache = cache;
    }

    CudaKernel plain(String file, String name) {
        return kernel(file, name, List.of());
    }

    CudaKernel of(WeightFormat format, String file, String name) {
        return kernel(file, name, List.of("-DWEIGHT_" + format));
    }

    CudaKernel of(KvDType dtype, String file, String name) {
        return kernel(file, name, List.of("-DKV_" + dtype));
    }

    private CudaKernel kernel(String file, String name, List<String> options) {
        String module = file + options;
        CudaKernel known = kernels.get(module + name);
        if (known == null) {
            known = modules.computeIfAbsent(module, _ -> CudaModule.load(source(file, options), device, cache))
                    .kernel(name);
            kernels.put(module + name, known);
        }
        return known;
    }

    /** All sources in every form they are compiled in. */
    static List<KernelSource> all() {
        List<KernelSource> all = new ArrayList<>();
        for (String file : List.of("norm.cu", "pointwise.cu", "sample.cu", "stream.cu")) {
            all.add(source(file, List.of()));
        }
        for (WeightFormat format : WeightFormat.values()) {
            all.add(source("embed.cu", List.of("-DWEIGHT_" + format)));
            all.add(source("matmul.cu", List.of("-DWEIGHT_" + format)));
            all.add(source("widen.cu", List.of("-DWEIGHT_" + format)));
            if (format == WeightFormat.BF16 || format == WeightFormat.F16) {
                all.add(source("matmul_wide.cu", List.of("-DWEIGHT_" + format)));
            }
        }
        for (KvDType dtype : KvDType.values()) {
            all.add(source("store.cu", List.of("-DKV_" + dtype)));
            all.add(source("attention.cu", List.of("-DKV_" + dtype)));
            all.add(source("prefill_exact.cu", List.of("-DKV_" + dtype)));
            if (dtype != KvDType.F32) {
                all.add(source("prefill.cu", List.of("-DKV_" + dtype)));
            }
        }
        return all;
    }

    private static KernelSource source(String file, List<String> options) {
        Map<String, String> headers = new HashMap<>();
        HEADERS.forEach(header -> headers.put(header, text(header)));
        return new KernelSource(file, text(file), headers, options);
    }

    private static String text(String resource) {
        try (InputStream in = CudaKernels.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException("the jar lacks " + resource);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        kernels.clear();
        Closing.all(modules.values());
        modules.clear();
    }
}

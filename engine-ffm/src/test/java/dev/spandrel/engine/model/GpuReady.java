package dev.spandrel.engine.model;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.StartPhase;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How long it takes from the start of the JVM until the engine of a shape is ready, with dummy weights: libraries, upload, cache,
 * recorded passes. Kernels are cached where this ran before.
 */
public final class GpuReady {
    private GpuReady() {}

    /** @param args the shape; {@code --quiet} behind it says nothing, for a first time that compiles kernels */
    public static void main(String[] args) throws IOException {
        BenchShape shape = BenchShape.named(args[0]);
        Path folder = Files.createTempDirectory("spandrel-gpu-ready");
        try {
            Files.writeString(folder.resolve("config.json"), shape.config());
            EngineConfig config = EngineConfig.of(folder.toString())
                    .loadFormat("dummy")
                    .backend("cuda")
                    .cudaLibraryPath(System.getProperty("spandrel.cuda.library.path", ""))
                    .build();
            try (Engine engine = Engine.open(config)) {
                if (args.length > 1 && args[1].equals("--quiet")) {
                    return;
                }
                long started = ManagementFactory.getRuntimeMXBean().getStartTime();
                GpuBench.line(shape.name() + " ready", (System.currentTimeMillis() - started) / 1e3, "s");
                for (StartPhase phase : engine.startPhases()) {
                    GpuBench.line(
                            shape.name() + " ready, " + phase.name(),
                            (phase.endNanos() - phase.startNanos()) / 1e9,
                            "s");
                }
            }
        } finally {
            Files.delete(folder.resolve("config.json"));
            Files.delete(folder);
        }
    }
}

package dev.spandrel.engine.model;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.Weight;
import dev.spandrel.engine.backend.cpu.CpuBackend;
import dev.spandrel.engine.checkpoint.LoadFormat;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A process that loads one model onto the CPU and prints how many weights it has, the bytes that the backend holds for them,
 * and by how many bytes the process has grown. {@link ResidentWeightsTest} starts it with a heap that is resident from the
 * beginning.
 */
final class ResidentWeights {
    private ResidentWeights() {}

    /** @param args a small model that loads the classes, the model, and its load format */
    public static void main(String[] args) throws IOException {
        Path model = Path.of(args[1]);
        LoadFormat format = LoadFormat.valueOf(args[2]);
        AtomicLong held = new AtomicLong();
        try (Backend small = new CpuBackend(BackendOptions.threads(2));
                Backend backend = new CpuBackend(BackendOptions.threads(2))) {
            load(Path.of(args[0]), LoadFormat.AUTO, counting(small, new AtomicLong()));
            long before = resident();
            Model loaded = load(model, format, counting(backend, held));
            long grown = resident() - before;
            System.out.println(loaded.parameters() + " " + held.get() + " " + grown);
        }
    }

    private static Model load(Path folder, LoadFormat format, Backend backend) {
        return ModelLoader.load(ModelConfig.read(folder), format, backend, new StepLimits(1, 1, 16), () -> {});
    }

    /** The backend, whose uploads are added up. */
    private static Backend counting(Backend backend, AtomicLong held) {
        return (Backend) Proxy.newProxyInstance(
                Backend.class.getClassLoader(), new Class<?>[] {Backend.class}, (proxy, method, arguments) -> {
                    try {
                        Object result = method.invoke(backend, arguments);
                        if (result instanceof Weight weight) {
                            held.addAndGet(weight.bytes());
                        }
                        return result;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private static long resident() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/smaps_rollup")).stream()
                .filter(line -> line.startsWith("Rss:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024)
                .findFirst()
                .orElseThrow();
    }
}

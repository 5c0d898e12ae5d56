package dev.spandrel.engine.backend;

import dev.spandrel.engine.EngineException;
import java.util.List;

/** Picks a backend by name and says why not another. */
public final class Backends {
    private static final List<String> NAMES = List.of("auto", "cpu", "reference");
    private static final String VECTOR_MODULE = "jdk.incubator.vector";

    /** Makes the backend that may only be touched when the Vector API is there. */
    @FunctionalInterface
    public interface CpuFactory {
        Backend create(BackendOptions options);
    }

    private Backends() {}

    /** Whether the JVM was started with the Vector API. */
    public static boolean vectorApi() {
        return ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
    }

    /**
     * Opens a backend.
     *
     * @param name {@code auto} (the fastest that runs here), {@code cpu} or {@code reference}
     * @param options threads, weights, instructions
     * @param cpu makes the Vector API backend; called only when its module is present
     * @throws EngineException.ModelLoad for an unknown name, or when the named one cannot run here
     */
    public static Backend open(String model, String name, BackendOptions options, CpuFactory cpu) {
        if (!NAMES.contains(name)) {
            throw new EngineException.ModelLoad(model, "--backend: expected one of " + NAMES + ", found " + name);
        }
        if (name.equals("reference")) {
            return new ReferenceBackend(options.weights());
        }
        if (vectorApi()) {
            return cpu.create(options);
        }
        String cure = "the Vector API is missing; start java with --add-modules " + VECTOR_MODULE;
        if (name.equals("cpu")) {
            throw new EngineException.ModelLoad(model, "--backend cpu: " + cure);
        }
        System.getLogger(Backends.class.getName())
                .log(System.Logger.Level.WARNING, "backend=reference, far slower than cpu: " + cure);
        return new ReferenceBackend(options.weights());
    }
}

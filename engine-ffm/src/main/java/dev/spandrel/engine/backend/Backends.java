package dev.spandrel.engine.backend;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.backend.cuda.CudaBackend;
import dev.spandrel.engine.backend.cuda.CudaOptions;
import dev.spandrel.engine.cuda.CudaException;
import dev.spandrel.engine.cuda.CudaLibrary;
import dev.spandrel.engine.cuda.CudaProbe;
import java.util.List;

/** Picks a backend by name and says why not another. */
public final class Backends {
    private static final List<String> NAMES = List.of("auto", "cuda", "cpu", "reference");
    private static final String VECTOR_MODULE = "jdk.incubator.vector";
    private static final String ONLY_CPU = "expected --backend cpu or reference";
    private static final System.Logger LOG = System.getLogger(Backends.class.getName());

    /** Makes the backend that may only be touched when the Vector API is there. */
    @FunctionalInterface
    public interface CpuFactory {
        Backend create(BackendOptions options);
    }

    /**
     * What was picked.
     *
     * @param refusal why not a faster one, and how to mend it; empty where there is nothing to say
     */
    public record Choice(Backend backend, String refusal) {
        /** One line for people, the refusal included. */
        public String description() {
            return backend.description() + (refusal.isEmpty() ? "" : "; " + refusal);
        }
    }

    private Backends() {}

    /** Whether the JVM was started with the Vector API. */
    public static boolean vectorApi() {
        return ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
    }

    /**
     * Opens a backend.
     *
     * @param name {@code auto} (the fastest that runs here), {@code cuda}, {@code cpu} or {@code reference}
     * @param options threads, weights, instructions
     * @param cuda how CUDA is to work; looked for with {@code auto} and {@code cuda} only, else it may be null
     * @param cpu makes the Vector API backend; called only when its module is present
     * @throws EngineException.ModelLoad for an unknown name, or when the named one cannot run here
     */
    public static Choice open(String model, String name, BackendOptions options, CudaOptions cuda, CpuFactory cpu) {
        return switch (name) {
            case "reference" -> new Choice(new ReferenceBackend(options.weights()), "");
            case "cpu" -> new Choice(cpu(model, name, options, cpu), "");
            case "cuda" -> new Choice(cuda(model, cuda), "");
            case "auto" -> fastest(model, options, cuda, cpu);
            default ->
                throw new EngineException.ModelLoad(model, "--backend: expected one of " + NAMES + ", found " + name);
        };
    }

    private static Backend cuda(String model, CudaOptions options) {
        if (options.weights().roundsInputs()) {
            throw new EngineException.ModelLoad(
                    model, "--activation-dtype int8: " + ONLY_CPU + ", found --backend cuda");
        }
        return switch (CudaLibrary.probe(options.settings())) {
            case CudaProbe.Absent absent ->
                throw new EngineException.ModelLoad(
                        model, "--backend cuda: " + absent.reason() + "; " + absent.cure() + ", or take --backend cpu");
            case CudaProbe.Present _ -> {
                try {
                    yield new CudaBackend(options);
                } catch (CudaException e) {
                    throw new EngineException.ModelLoad(model, "--backend cuda: " + e.getMessage());
                }
            }
        };
    }

    /** CUDA where it answers; else the CPU, and why. */
    private static Choice fastest(String model, BackendOptions options, CudaOptions cuda, CpuFactory cpu) {
        String refusal;
        switch (CudaLibrary.probe(cuda.settings())) {
            case CudaProbe.Present _
            when cuda.weights().roundsInputs() ->
                throw new EngineException.ModelLoad(
                        model,
                        "--activation-dtype int8: " + ONLY_CPU
                                + ", and --backend auto found a CUDA device; say --backend cpu");
            case CudaProbe.Present _ -> {
                try {
                    return new Choice(new CudaBackend(cuda), "");
                } catch (CudaException e) {
                    refusal = e.getMessage() + " (check nvidia-smi";
                }
            }
            case CudaProbe.Absent absent -> refusal = absent.reason() + " (" + absent.cure();
        }
        return new Choice(
                cpu(model, "auto", options, cpu), "cuda refused: " + refusal + ", or --backend cpu to silence this)");
    }

    private static Backend cpu(String model, String name, BackendOptions options, CpuFactory cpu) {
        if (vectorApi()) {
            return cpu.create(options);
        }
        String cure = "the Vector API is missing; start java with --add-modules " + VECTOR_MODULE;
        if (name.equals("cpu")) {
            throw new EngineException.ModelLoad(model, "--backend cpu: " + cure);
        }
        LOG.log(System.Logger.Level.WARNING, "backend=reference, far slower than cpu: " + cure);
        return new ReferenceBackend(options.weights());
    }
}

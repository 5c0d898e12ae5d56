package dev.spandrel.engine.runner;

import dev.spandrel.engine.BackendCheck;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.Backends;
import dev.spandrel.engine.backend.cpu.CpuBackend;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Asks every backend whether it would run here, without a model. */
final class BackendChecks {
    private static final String DRIVER = "libcuda.so.1";

    private BackendChecks() {}

    static List<BackendCheck> all() {
        return List.of(cpu(), cuda());
    }

    private static BackendCheck cpu() {
        try (Backend backend = Backends.open("", "cpu", BackendOptions.threads(0), CpuBackend::new)) {
            return new BackendCheck("cpu", true, backend.description(), "");
        } catch (EngineException.ModelLoad e) {
            return new BackendCheck("cpu", false, e.problems().getFirst(), "");
        }
    }

    /** As far as it can be told without the bindings: device nodes, then the driver's library. */
    @SuppressWarnings("restricted")
    private static BackendCheck cuda() {
        boolean device = Files.exists(Path.of("/dev/nvidiactl"));
        try (Arena arena = Arena.ofConfined()) {
            SymbolLookup.libraryLookup(DRIVER, arena);
        } catch (IllegalArgumentException e) {
            return new BackendCheck(
                    "cuda",
                    false,
                    DRIVER + " not found" + (device ? ", though there is an NVIDIA device" : ", and no /dev/nvidiactl"),
                    device ? "install NVIDIA's driver libraries in this container" : "");
        }
        return device
                ? new BackendCheck("cuda", true, DRIVER + " found, and an NVIDIA device", "")
                : new BackendCheck(
                        "cuda", false, DRIVER + " found, but no /dev/nvidiactl", "give the container the device");
    }
}

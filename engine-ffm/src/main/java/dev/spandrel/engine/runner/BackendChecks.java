package dev.spandrel.engine.runner;

import dev.spandrel.engine.BackendCheck;
import dev.spandrel.engine.CudaStatus;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.Backends;
import dev.spandrel.engine.backend.cpu.CpuBackend;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** Asks every backend whether it would run here, without a model. */
final class BackendChecks {
    private BackendChecks() {}

    static List<BackendCheck> all() {
        return List.of(cpu(), cuda());
    }

    private static BackendCheck cpu() {
        try (Backend backend = Backends.open("", "cpu", BackendOptions.threads(0), null, CpuBackend::new)
                .backend()) {
            return new BackendCheck("cpu", true, backend.description(), "");
        } catch (EngineException.ModelLoad e) {
            return new BackendCheck("cpu", false, e.problems().getFirst(), "");
        }
    }

    /** A machine that has no NVIDIA device needs no cure. */
    private static BackendCheck cuda() {
        CudaStatus status = LocalEngine.cudaStatus("");
        if (status.available()) {
            String devices =
                    status.devices().stream().map(CudaStatus.Device::toString).collect(Collectors.joining("; "));
            String found = devices + "; driver " + status.driver() + ", NVRTC " + status.nvrtc();
            return new BackendCheck("cuda", true, found, "");
        }
        boolean device = Files.exists(Path.of("/dev/nvidiactl"));
        return new BackendCheck(
                "cuda",
                false,
                status.reason() + (device ? ", though there is an NVIDIA device" : ", and no /dev/nvidiactl"),
                device ? status.cure() : "");
    }
}

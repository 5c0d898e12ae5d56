package dev.spandrel.engine.runner;

import dev.spandrel.engine.BackendCheck;
import dev.spandrel.engine.CudaStatus;
import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.KernelRate;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.Backends;
import dev.spandrel.engine.backend.cpu.CpuBackend;
import dev.spandrel.engine.backend.cpu.KernelCheck;
import dev.spandrel.engine.cuda.CudaDevice;
import dev.spandrel.engine.cuda.CudaException;
import dev.spandrel.engine.cuda.CudaLibrary;
import dev.spandrel.engine.cuda.CudaProbe;
import dev.spandrel.engine.cuda.CudaSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Asks every backend whether it would run here, without a model. */
public final class BackendChecks {
    private BackendChecks() {}

    /** See {@link Engine#checkBackends}. */
    public static List<BackendCheck> all() {
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
        CudaStatus status = cudaStatus("");
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

    /** See {@link Engine#cudaStatus}. */
    public static CudaStatus cudaStatus(String libraryPath) {
        CudaSettings settings = CudaSettings.of(libraryPath, System.getenv(), Path.of(System.getProperty("user.home")));
        return switch (CudaLibrary.probe(settings)) {
            case CudaProbe.Absent absent -> new CudaStatus(false, "", "", List.of(), absent.reason(), absent.cure());
            case CudaProbe.Present present -> {
                try {
                    List<CudaStatus.Device> devices = IntStream.range(0, present.devices())
                            .mapToObj(CudaDevice::of)
                            .map(device -> new CudaStatus.Device(
                                    device.name(), device.pciBusId(), device.architecture(), device.totalBytes()))
                            .toList();
                    yield new CudaStatus(true, present.driver(), present.nvrtc(), devices, "", "");
                } catch (CudaException e) {
                    yield new CudaStatus(false, "", "", List.of(), e.getMessage(), "check nvidia-smi");
                }
            }
        };
    }

    /** See {@link Engine#kernelRates}. */
    public static List<KernelRate> kernelRates() {
        return Backends.vectorApi() ? KernelCheck.run(BackendOptions.threads(1)) : List.of();
    }
}

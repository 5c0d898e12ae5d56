package dev.spandrel.engine.cuda;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Finds, loads and asks the CUDA libraries, before any binding class is touched: a binding that looks for its symbol too
 * early is broken for the life of the JVM. Probing twice gives the first answer, since a library stays loaded.
 */
public final class CudaLibrary {
    /** {@code cuEventElapsedTime_v2} is the youngest function that is called. */
    private static final int LEAST_DRIVER = 12_080;

    private static final List<String> MAJORS = List.of("13", "12");
    private static final Object LOCK = new Object();
    private static CudaProbe answer;

    private CudaLibrary() {}

    /** Whether CUDA can be used in this process, and if not, why and how to mend it. */
    public static CudaProbe probe(CudaSettings settings) {
        synchronized (LOCK) {
            // An absent library may be there with another path; a present one is loaded once and for all.
            if (!(answer instanceof CudaProbe.Present)) {
                answer = look(settings);
            }
            return answer;
        }
    }

    private static CudaProbe look(CudaSettings settings) {
        try {
            LibraryFolders folders = LibraryFolders.of(settings);
            Optional<Path> driver = driver(folders, settings);
            if (driver.isEmpty()) {
                return new CudaProbe.Absent(
                        "libcuda.so.1 not found",
                        "install NVIDIA's driver, or name its folder with --cuda-library-path");
            }
            List<Path> load = new ArrayList<>();
            load.add(driver.get());
            CudaProbe.Absent nvrtc = collect(folders, "libnvrtc", "libnvrtc-builtins", "nvidia-cuda-nvrtc", load);
            if (nvrtc != null) {
                return nvrtc;
            }
            CudaProbe.Absent blas = collect(folders, "libcublasLt", null, "nvidia-cublas", load);
            if (blas != null) {
                return blas;
            }
            // Comes with cuBLASLt wherever that comes from; what it is for can be done without, see CuBlas.
            collect(folders, "libcublas", null, "nvidia-cublas", load);
            load.forEach(CudaLibrary::load);
            return ask(load);
        } catch (UnsatisfiedLinkError | IllegalCallerException e) {
            return new CudaProbe.Absent(
                    "a CUDA library cannot be loaded: " + e.getMessage(),
                    "check that driver and libraries fit each other, and that java runs with --enable-native-access");
        }
    }

    /** By its soname, as the loader finds it, else in the folders. A named folder comes first. */
    private static Optional<Path> driver(LibraryFolders folders, CudaSettings settings) {
        String soname = "libcuda.so.1";
        if (!settings.libraryPath().isEmpty()) {
            Optional<Path> named = folders.find(soname);
            if (named.isPresent()) {
                return named;
            }
        }
        return inProcess(soname).or(() -> folders.find(soname));
    }

    /** What the loader finds under a soname, read back from the process's memory map. */
    @SuppressWarnings("restricted")
    private static Optional<Path> inProcess(String soname) {
        try {
            SymbolLookup.libraryLookup(soname, Arena.global());
            String stem = soname.substring(0, soname.indexOf(".so"));
            return Files.readAllLines(Path.of("/proc/self/maps")).stream()
                    .filter(line -> line.indexOf('/') > 0)
                    .map(line -> Path.of(line.substring(line.indexOf('/'))))
                    .filter(path -> path.getFileName().toString().startsWith(stem + ".so"))
                    .findFirst();
        } catch (IllegalArgumentException | IOException _) {
            return Optional.empty();
        }
    }

    private static CudaProbe.Absent collect(
            LibraryFolders folders, String stem, String companion, String wheel, List<Path> load) {
        for (String major : MAJORS) {
            String soname = stem + ".so." + major;
            Optional<Path> found = folders.find(soname).or(() -> inProcess(soname));
            if (found.isPresent()) {
                if (companion != null) {
                    // NVRTC opens it by soname; loaded before, it is found wherever it lies.
                    LibraryFolders.beside(found.get(), companion + ".so.*").stream()
                            .filter(path -> !path.toString().contains(".alt."))
                            .forEach(load::add);
                }
                load.add(found.get());
                return null;
            }
        }
        return new CudaProbe.Absent(
                stem + ".so." + String.join(" or .", MAJORS) + " not found",
                "install the CUDA toolkit or `pip install " + wheel + "`, or name its folder with --cuda-library-path");
    }

    @SuppressWarnings("restricted")
    private static void load(Path library) {
        System.load(library.toString());
    }

    /** Symbols are there now, so bindings may be touched. */
    private static CudaProbe ask(List<Path> loaded) {
        try {
            Driver.init();
            int driver = Driver.driverVersion();
            int nvrtc = KernelCompiler.version();
            if (driver < LEAST_DRIVER || driver / 1000 < nvrtc / 1000) {
                int least = Math.max(LEAST_DRIVER, nvrtc / 1000 * 1000);
                return new CudaProbe.Absent(
                        "the driver knows CUDA " + dotted(driver) + ", needed is " + dotted(least),
                        "install a newer driver"
                                + (driver < LEAST_DRIVER ? "" : ", or an NVRTC of CUDA " + driver / 1000));
            }
            int devices = Driver.deviceCount();
            return devices == 0
                    ? new CudaProbe.Absent("no CUDA device is visible", "check nvidia-smi and CUDA_VISIBLE_DEVICES")
                    : new CudaProbe.Present(
                            dotted(driver),
                            dotted(nvrtc),
                            loaded.stream().map(Path::toString).toList(),
                            devices);
        } catch (CudaException e) {
            boolean none = e.name().equals("CUDA_ERROR_NO_DEVICE");
            return new CudaProbe.Absent(
                    none ? "no CUDA device is visible" : e.getMessage(),
                    none
                            ? "check nvidia-smi and CUDA_VISIBLE_DEVICES"
                            : "check nvidia-smi; the driver and its kernel module must fit each other");
        }
    }

    private static String dotted(int version) {
        return version / 1000 + "." + version % 1000 / 10;
    }
}

package dev.spandrel.engine.cuda;

import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The folders that CUDA's libraries may lie in, in the order they are asked. */
final class LibraryFolders {
    private static final List<String> SYSTEM = List.of(
            "/usr/lib/x86_64-linux-gnu",
            "/usr/lib/aarch64-linux-gnu",
            "/usr/lib64",
            "/usr/lib",
            "/usr/local/nvidia/lib64",
            "/usr/lib/wsl/lib",
            "/usr/local/cuda/lib64",
            "/usr/local/cuda/targets/x86_64-linux/lib",
            "/usr/local/cuda/targets/sbsa-linux/lib");

    private final List<Path> folders;

    private LibraryFolders(Set<Path> folders) {
        this.folders = List.copyOf(folders);
    }

    /** Given ones, the loader's, the toolkit's, the system's, and those of NVIDIA's Python packages. */
    static LibraryFolders of(CudaSettings settings) {
        Set<Path> found = new LinkedHashSet<>();
        split(settings.libraryPath(), found);
        split(settings.environment().getOrDefault("LD_LIBRARY_PATH", ""), found);
        for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
            String toolkit = settings.environment().getOrDefault(variable, "");
            if (!toolkit.isEmpty()) {
                found.add(Path.of(toolkit, "lib64"));
                found.add(Path.of(toolkit, "lib"));
            }
        }
        SYSTEM.forEach(folder -> found.add(Path.of(folder)));
        pythons(settings).forEach(python -> packages(python, found));
        return new LibraryFolders(found);
    }

    private static void split(String path, Set<Path> into) {
        for (String part : path.split(File.pathSeparator)) {
            if (!part.isBlank()) {
                into.add(Path.of(part));
            }
        }
    }

    private static List<Path> pythons(CudaSettings settings) {
        List<Path> roots = new ArrayList<>();
        for (String variable : List.of("VIRTUAL_ENV", "CONDA_PREFIX")) {
            String root = settings.environment().getOrDefault(variable, "");
            if (!root.isEmpty()) {
                roots.add(Path.of(root, "lib"));
            }
        }
        String home = settings.environment().getOrDefault("HOME", "");
        if (!home.isEmpty()) {
            roots.add(Path.of(home, ".local", "lib"));
        }
        roots.add(Path.of("/usr/local/lib"));
        roots.add(Path.of("/usr/lib"));
        return roots;
    }

    /** {@code python3*}/site-packages/nvidia/*{@code /lib}, where pip puts cuBLAS and NVRTC. */
    private static void packages(Path root, Set<Path> into) {
        for (Path python : children(root, "python3*")) {
            for (String site : List.of("site-packages", "dist-packages")) {
                for (Path nvidia : children(python.resolve(site).resolve("nvidia"), "*")) {
                    into.add(nvidia.resolve("lib"));
                }
            }
        }
    }

    private static List<Path> children(Path folder, String pattern) {
        List<Path> found = new ArrayList<>();
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, pattern)) {
                entries.forEach(found::add);
            } catch (IOException _) {
                // A folder that cannot be read holds nothing for us.
            }
        }
        found.sort(null);
        return found;
    }

    /** The first file of that name, or of a name that begins so with a dot and a number behind. */
    Optional<Path> find(String name) {
        for (Path folder : folders) {
            Path exact = folder.resolve(name);
            if (Files.isRegularFile(exact)) {
                return Optional.of(exact.toAbsolutePath());
            }
        }
        return Optional.empty();
    }

    /** Files beside {@code library} whose names match, e.g. {@code libnvrtc-builtins.so.*}. */
    static List<Path> beside(Path library, String pattern) {
        return children(library.toAbsolutePath().getParent(), pattern);
    }
}

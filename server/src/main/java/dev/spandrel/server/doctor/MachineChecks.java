package dev.spandrel.server.doctor;

import dev.spandrel.engine.BackendCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The JDK, processors, the limits of the container, and what each backend says of the machine. */
final class MachineChecks {
    private static final int JDK = 25;
    /** Below it a few hundred streams run out of files; each takes one, the model's a few. */
    private static final long FEW_FILES = 4096;

    private final Path root;

    /** @param root where {@code sys} and {@code proc} are; {@code /} outside tests */
    MachineChecks(Path root) {
        this.root = root;
    }

    List<Finding> all(List<BackendCheck> backends) {
        List<Finding> findings = new ArrayList<>();
        findings.add(jdk());
        findings.add(processors());
        findings.add(memory());
        files().ifPresent(findings::add);
        backends.forEach(backend -> findings.add(backend(backend)));
        return findings;
    }

    private static Finding jdk() {
        String found =
                Runtime.version() + " (" + System.getProperty("java.vendor") + "), " + System.getProperty("java.home");
        return Runtime.version().feature() == JDK
                ? Finding.ok("JDK", found)
                : Finding.wrong("JDK", found, "run with a JDK " + JDK + "; ./spandrel jdk says which one is found");
    }

    private Finding processors() {
        int usable = Runtime.getRuntime().availableProcessors();
        long present = line("proc/cpuinfo", "processor").stream().count();
        String quota = first("sys/fs/cgroup/cpu.max")
                .filter(text -> !text.startsWith("max"))
                .map(text -> {
                    String[] parts = text.split(" ");
                    return ", container limit "
                            + Math.round(Double.parseDouble(parts[0]) / Double.parseDouble(parts[1]) * 100) / 100.0;
                })
                .orElse("");
        String model = line("proc/cpuinfo", "model name").stream()
                .findFirst()
                .map(name -> ", " + name)
                .orElse("");
        return Finding.ok(
                "processors", usable + (present > usable ? " of " + present : "") + " usable" + quota + model);
    }

    private Finding memory() {
        long heap = Runtime.getRuntime().maxMemory();
        Optional<Long> container = first("sys/fs/cgroup/memory.max")
                .filter(text -> !text.equals("max"))
                .map(Long::parseLong);
        Optional<Long> machine = line("proc/meminfo", "MemTotal").stream()
                .findFirst()
                .map(text -> Long.parseLong(text.replace("kB", "").strip()) * 1024);
        String found = "heap at most " + mebibytes(heap)
                + container
                        .map(bytes -> ", container limit " + mebibytes(bytes))
                        .orElse("")
                + machine.map(bytes -> ", machine " + mebibytes(bytes)).orElse("");
        // Weights and KV cache lie outside the heap: a heap of nearly the whole limit leaves them nothing.
        boolean heapTakesAll = container.isPresent() && heap > container.get() * 3 / 4;
        return heapTakesAll
                ? Finding.wrong(
                        "memory",
                        found,
                        "weights and KV cache lie outside the heap; lower it, SPANDREL_JAVA_OPTS=-Xmx…")
                : Finding.ok("memory", found);
    }

    private Optional<Finding> files() {
        return line("proc/self/limits", "Max open files").stream()
                .findFirst()
                .map(text -> text.strip().split(" ")[0])
                .map(limit -> !limit.equals("unlimited") && Long.parseLong(limit) < FEW_FILES
                        ? Finding.note(
                                "open files",
                                "at most " + limit,
                                "each client takes one; ulimit -n " + FEW_FILES + " or more for many")
                        : Finding.ok("open files", "at most " + limit));
    }

    private static Finding backend(BackendCheck backend) {
        String subject = "backend " + backend.name();
        return backend.usable()
                ? Finding.ok(subject, backend.found())
                : Finding.note(subject, backend.found(), backend.cure());
    }

    static String mebibytes(long bytes) {
        return (bytes >> 20) + " MiB";
    }

    /** What stands behind a name in the lines of a file that begin with it. */
    private List<String> line(String file, String name) {
        try {
            return Files.readAllLines(root.resolve(file)).stream()
                    .filter(line -> line.startsWith(name))
                    .map(line -> line.substring(name.length()).replaceFirst("^\\s*:?\\s*", ""))
                    .toList();
        } catch (IOException e) {
            // Not Linux.
            return List.of();
        }
    }

    private Optional<String> first(String file) {
        return line(file, "").stream().findFirst().map(String::strip);
    }
}

package dev.spandrel.server.telemetry;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** The {@code process_*} metrics every Prometheus client library has, and the heap; what the system does not tell is left out. */
final class ProcessMetrics {
    private ProcessMetrics() {}

    static void write(PrometheusText out) {
        ProcessHandle.current()
                .info()
                .totalCpuDuration()
                .ifPresent(cpu ->
                        out.counter("process_cpu_seconds", "Processor time, user and system.", cpu.toNanos() / 1e9));
        out.gauge(
                "process_start_time_seconds",
                "Start, seconds since the epoch.",
                ManagementFactory.getRuntimeMXBean().getStartTime() / 1e3);
        memory(out);
        openFiles(out);
        out.gauge(
                "jvm_memory_used_bytes",
                "Heap in use.",
                ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
    }

    private static void memory(PrometheusText out) {
        try (Stream<String> status = Files.lines(Path.of("/proc/self/status"))) {
            status.forEach(line -> {
                size(out, line, "VmSize:", "process_virtual_memory_bytes", "Address space.");
                size(out, line, "VmRSS:", "process_resident_memory_bytes", "Resident set.");
            });
        } catch (IOException e) {
            // Only Linux has it.
            return;
        }
    }

    private static void size(PrometheusText out, String line, String key, String name, String help) {
        if (line.startsWith(key)) {
            String kibibytes = line.substring(key.length()).replace("kB", "").strip();
            out.gauge(name, help, Long.parseLong(kibibytes) * 1024.0);
        }
    }

    private static void openFiles(PrometheusText out) {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            out.gauge("process_open_fds", "Open files.", open.count());
        } catch (IOException e) {
            // Likewise.
            return;
        }
    }
}

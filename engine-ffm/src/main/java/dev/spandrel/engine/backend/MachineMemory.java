package dev.spandrel.engine.backend;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the machine, or the container, has to give outside the Java heap. */
public final class MachineMemory {
    private static final Path MEMINFO = Path.of("/proc/meminfo");

    private MachineMemory() {}

    /** Bytes that can be had: what Linux calls available, page cache included, within the container's limit. */
    public static long available() {
        long total =
                ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean bean
                        ? bean.getTotalMemorySize()
                        : Long.MAX_VALUE;
        return Math.min(total, linuxAvailable());
    }

    private static long linuxAvailable() {
        try {
            return Files.isReadable(MEMINFO) ? parse(Files.readString(MEMINFO)) : Long.MAX_VALUE;
        } catch (IOException e) {
            return Long.MAX_VALUE;
        }
    }

    static long parse(String meminfo) {
        return meminfo.lines()
                .filter(line -> line.startsWith("MemAvailable:"))
                .map(line -> line.replaceAll("[^0-9]", ""))
                .filter(digits -> !digits.isEmpty() && digits.length() < 16)
                .mapToLong(digits -> Long.parseLong(digits) * 1024)
                .findFirst()
                .orElse(Long.MAX_VALUE);
    }
}

package dev.spandrel.engine.backend.cpu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What the processor can do, as Linux says: only what the kernel has switched on for programs is in there.
 *
 * @param refusal why nothing is known, or null
 * @param vendor such as {@code AuthenticAMD}
 * @param flags such as {@code avx512_vnni}
 */
record CpuFeatures(String refusal, String vendor, Set<String> flags) {
    private static final Path CPUINFO = Path.of("/proc/cpuinfo");

    /** Asks the system. */
    static CpuFeatures detect(String os, String architecture) {
        if (!os.equals("Linux")) {
            return unknown("it is written for Linux, this is " + os);
        }
        if (!architecture.equals("amd64") && !architecture.equals("x86_64")) {
            return unknown("it is written for x86-64, this is " + architecture);
        }
        try {
            return parse(Files.readString(CPUINFO));
        } catch (IOException e) {
            return unknown(CPUINFO + " cannot be read: " + e.getMessage());
        }
    }

    private static CpuFeatures unknown(String refusal) {
        return new CpuFeatures(refusal, "", Set.of());
    }

    /** Reads the first processor of {@code /proc/cpuinfo}. */
    static CpuFeatures parse(String cpuinfo) {
        return new CpuFeatures(
                null,
                value(cpuinfo, "vendor_id"),
                Arrays.stream(value(cpuinfo, "flags").split(" ")).collect(Collectors.toUnmodifiableSet()));
    }

    private static String value(String cpuinfo, String key) {
        return cpuinfo.lines()
                .filter(line -> line.startsWith(key) && line.contains(":"))
                .map(line -> line.substring(line.indexOf(':') + 1).strip())
                .findFirst()
                .orElse("");
    }

    /** Threads that share a core, by the first processor: its package's threads over its cores. */
    static int threadsPerCore(String cpuinfo) {
        int siblings = number(value(cpuinfo, "siblings"));
        int cores = number(value(cpuinfo, "cpu cores"));
        return cores > 0 && siblings > cores ? siblings / cores : 1;
    }

    private static int number(String text) {
        return text.matches("\\d{1,6}") ? Integer.parseInt(text) : 0;
    }

    /** Physical cores among the processors that this process may use, at least one: a second thread of a core has no units of its own. */
    static int physicalCores(int availableProcessors) {
        try {
            return Files.isReadable(CPUINFO)
                    ? Math.max(1, availableProcessors / threadsPerCore(Files.readString(CPUINFO)))
                    : availableProcessors;
        } catch (IOException e) {
            return availableProcessors;
        }
    }

    boolean has(String flag) {
        return flags.contains(flag);
    }

    boolean isAmd() {
        return vendor.equals("AuthenticAMD");
    }
}

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

    boolean has(String flag) {
        return flags.contains(flag);
    }

    boolean isAmd() {
        return vendor.equals("AuthenticAMD");
    }
}

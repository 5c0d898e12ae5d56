package dev.spandrel.server.doctor;

import dev.spandrel.engine.KernelRate;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Whether the CPU backend's kernels are as fast as they should be. */
final class KernelChecks {
    private KernelChecks() {}

    static Finding finding(List<KernelRate> rates) {
        if (rates.isEmpty()) {
            return Finding.note(
                    "CPU kernels", "none, plain loops run", "start java with --add-modules jdk.incubator.vector");
        }
        String found = rates.stream()
                .map(rate -> String.format(Locale.ROOT, "%s: %.1f GFLOP/s", rate.kernel(), rate.gigaflops()))
                .collect(Collectors.joining("; "));
        List<String> slow = rates.stream()
                .filter(rate -> !rate.plausible())
                .map(KernelRate::kernel)
                .toList();
        return slow.isEmpty()
                ? Finding.ok("CPU kernels", found)
                : Finding.note(
                        "CPU kernels",
                        found,
                        "implausibly slow: " + slow + "; the JIT seems to have left them in a slow tier, start again");
    }
}

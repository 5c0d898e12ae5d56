package dev.spandrel.engine.runner;

import dev.spandrel.engine.KernelRate;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.cpu.KernelCheck;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/** Looks once per process, beside the first requests, whether the CPU's kernels are as fast as they should be. */
final class KernelWatch {
    private static final System.Logger LOG = System.getLogger(KernelWatch.class.getName());
    /** Set before, nobody looks: where every kernel is slow, as in an emulation. */
    static final AtomicBoolean STARTED = new AtomicBoolean();

    private KernelWatch() {}

    /** The JIT needs a moment, and nobody should wait for it: a thread of its own, which ends by itself. */
    static void once(BackendOptions options) {
        if (STARTED.compareAndSet(false, true)) {
            Thread.ofPlatform().daemon().name("spandrel-kernel-watch").start(() -> warn(KernelCheck.run(options)));
        }
    }

    /** One line for each that is too slow. */
    static void warn(List<KernelRate> rates) {
        for (KernelRate rate : rates) {
            if (!rate.plausible()) {
                LOG.log(System.Logger.Level.WARNING, warning(rate));
            }
        }
    }

    static String warning(KernelRate rate) {
        return "kernel %s runs at %.1f GFLOP/s where at least %.0f is plausible: the JIT seems to have left it in a slow tier; restart, and report it if it stays"
                .formatted(rate.kernel(), rate.gigaflops(), rate.floor());
    }
}

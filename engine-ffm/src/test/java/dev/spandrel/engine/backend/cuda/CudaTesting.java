package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.cuda.CudaLibrary;
import dev.spandrel.engine.cuda.CudaProbe;
import dev.spandrel.engine.cuda.CudaSettings;
import dev.spandrel.engine.cuda.EmulatedCuda;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Options that make mistakes show. */
public final class CudaTesting {
    private CudaTesting() {}

    /**
     * Each allocation by itself, so that a guard page lies behind it; little scratch, so that both ways of attention run; little
     * staging, so that most weights go through it in pieces.
     */
    public static CudaOptions exact(WeightPolicy policy) {
        return options(EmulatedCuda.settings(), policy, true, 0);
    }

    /** As {@link #exact}, with so few records that they make way for others. */
    public static CudaOptions keeping(int records) {
        return options(EmulatedCuda.settings(), WeightPolicy.AS_STORED, true, 0, records);
    }

    /** As {@link #exact}, with tensor cores. */
    public static CudaOptions fast(WeightPolicy policy) {
        return options(EmulatedCuda.settings(), policy, false, 0);
    }

    /** As {@link #fast(WeightPolicy)}, with one record, which makes way for others. */
    public static CudaOptions fastWithOneRecord(WeightPolicy policy) {
        return options(EmulatedCuda.settings(), policy, false, 0, 1);
    }

    /** As {@link #exact}, with allocations that share slabs of a mebibyte, as outside tests. */
    static CudaOptions inSlabs() {
        return options(EmulatedCuda.settings(), WeightPolicy.AS_STORED, true, 1 << 20);
    }

    /**
     * Skips the test, with the probe's reason, where there is no real device; with {@code -Pgpu}, which sets {@code spandrel.gpu},
     * that is a failure.
     */
    public static void probeDevice() {
        if (CudaLibrary.probe(deviceSettings()) instanceof CudaProbe.Absent absent) {
            String reason = "no GPU: " + absent.reason() + " (" + absent.cure() + ")";
            if (Boolean.getBoolean("spandrel.gpu")) {
                throw new IllegalStateException(reason);
            }
            Assumptions.abort(reason);
        }
    }

    private static CudaSettings deviceSettings() {
        String path = System.getProperty("spandrel.cuda.library.path", "");
        return CudaSettings.of(path, System.getenv(), Path.of(System.getProperty("user.home")));
    }

    /** On the real device. */
    public static CudaBackend device(WeightPolicy policy, boolean exact) {
        return new CudaBackend(options(deviceSettings(), policy, exact, 16 << 20));
    }

    /** Recorded passes that were launched. */
    public static long replays(CudaBackend backend) {
        return backend.replays();
    }

    /** Bytes that the last draw's changes of scores took to the device. */
    public static long sentChanges(CudaBackend backend) {
        return backend.sentChanges();
    }

    private static CudaOptions options(CudaSettings settings, WeightPolicy policy, boolean exact, long slabBytes) {
        return options(settings, policy, exact, slabBytes, 120);
    }

    private static CudaOptions options(
            CudaSettings settings, WeightPolicy policy, boolean exact, long slabBytes, int records) {
        return new CudaOptions(
                settings, policy, 0.9, exact, records, slabBytes, 256 << 10, 256 << 10, 256 << 10, 4 << 10);
    }
}

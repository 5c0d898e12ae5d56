package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;

import dev.spandrel.engine.KernelRate;
import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.HostBuffer;
import dev.spandrel.engine.backend.WeightFormat;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.List;

/**
 * Measures the multiplication of every format by one row and by six, on one thread and on its processor time, so that other
 * work on the machine does not look like a slow kernel. Each runs until it reaches its floor, which the JIT lets it do within
 * some tenths of a second, or until its time is up.
 */
public final class KernelCheck {
    /** A quarter of one vector multiply-add per nanosecond: a tenth of what the kernels reach, ten times what the trap leaves. */
    private static final double FLOOR = 2.0 * LANES / 4;
    /** Narrow weights are widened for one row as for six, which costs a single row most of its pace. */
    private static final double FLOOR_ONE_ROW = FLOOR / 8;

    private static final int INNER = 512;
    private static final int OUTPUTS = 256;
    private static final long BUDGET_NANOS = 1_000_000_000;
    private static final int CALLS = 20;

    private KernelCheck() {}

    /** The rates, in the order of formats. */
    public static List<KernelRate> run(BackendOptions options) {
        List<KernelRate> rates = new ArrayList<>();
        for (WeightFormat format : new WeightFormat[] {
            WeightFormat.F32, WeightFormat.F16, WeightFormat.BF16, WeightFormat.INT8, WeightFormat.Q4_0
        }) {
            BackendOptions one = new BackendOptions(1, policy(format), options.machineCode(), options.amx());
            try (CpuBackend backend = new CpuBackend(one);
                    Arena arena = Arena.ofConfined()) {
                MemorySegment values = arena.allocate(4L * INNER * OUTPUTS);
                for (int i = 0; i < INNER * OUTPUTS; i++) {
                    values.setAtIndex(ValueLayout.JAVA_FLOAT, i, (i % 13 - 6) / 7f);
                }
                CpuWeight weight = (CpuWeight)
                        backend.upload(new Tensor(DType.F32, List.of((long) OUTPUTS, (long) INNER), values));
                rates.add(measure(backend, weight, format, 1, FLOOR_ONE_ROW));
                rates.add(measure(backend, weight, format, 6, FLOOR));
            }
        }
        return rates;
    }

    private static WeightPolicy policy(WeightFormat format) {
        return switch (format) {
            case F16 -> new WeightPolicy("float16", "none");
            case BF16 -> new WeightPolicy("bfloat16", "none");
            case INT8 -> new WeightPolicy("auto", "int8");
            case Q4_0 -> new WeightPolicy("auto", "int4");
            default -> WeightPolicy.F32;
        };
    }

    private static KernelRate measure(
            CpuBackend backend, CpuWeight weight, WeightFormat format, int rows, double floor) {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        HostBuffer in = HostBuffer.of((long) rows * INNER);
        HostBuffer out = HostBuffer.of((long) rows * OUTPUTS);
        double best = 0;
        long end = threads.getCurrentThreadCpuTime() + BUDGET_NANOS;
        long now = threads.getCurrentThreadCpuTime();
        while (best < floor && now < end) {
            for (int i = 0; i < CALLS; i++) {
                backend.matmul(in, rows, weight, null, Activation.NONE, out);
            }
            long then = threads.getCurrentThreadCpuTime();
            best = Math.max(best, 2.0 * CALLS * rows * INNER * OUTPUTS / (then - now));
            now = then;
        }
        return new KernelRate("matmul " + format + ", " + (rows == 1 ? "1 row" : rows + " rows"), best, floor);
    }
}

package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;

import dev.spandrel.engine.KernelRate;
import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.AttentionRule;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.HostBuffer;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.KvLayer;
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
import java.util.stream.IntStream;

/**
 * Measures the multiplication of every format by one row and by six, with AMX by 32, and attention, on one thread and on its processor time, so that other
 * work on the machine does not look like a slow kernel. Each runs until it reaches its floor, which the JIT lets it do within
 * some tenths of a second, or until its time is up.
 */
public final class KernelCheck {
    /** A quarter of one vector multiply-add per nanosecond: a tenth of what the kernels reach, ten times what the trap leaves. */
    private static final double FLOOR = 2.0 * LANES / 4;
    /** Narrow weights are widened for one row as for six, which costs a single row most of its pace. */
    private static final double FLOOR_ONE_ROW = FLOOR / 8;
    /** AMX in whole calls: a tenth of what a first product by tiles reached on one thread. */
    private static final double FLOOR_TILES = 40;

    private static final int INNER = 512;
    private static final int OUTPUTS = 256;
    private static final long BUDGET_NANOS = 1_000_000_000;
    private static final int CALLS = 20;
    private static final int POSITIONS = 256;
    private static final int BLOCK = 16;

    private KernelCheck() {}

    /** The rates, in the order of formats. */
    public static List<KernelRate> run(BackendOptions options) {
        List<KernelRate> rates = new ArrayList<>();
        for (WeightFormat format : WeightFormat.values()) {
            WeightPolicy kept = policy(format);
            WeightPolicy policy = new WeightPolicy(
                    kept.dtype(), kept.quantization(), options.weights().activationDtype());
            BackendOptions one = new BackendOptions(1, policy, options.machineCode(), options.amxRows());
            try (CpuBackend backend = new CpuBackend(one);
                    Arena arena = Arena.ofConfined()) {
                CpuWeight weight = (CpuWeight) backend.upload(tensor(arena, format));
                rates.add(measure(backend, weight, format, 1, FLOOR_ONE_ROW));
                rates.add(measure(backend, weight, format, 6, FLOOR));
                if (backend.amx() && AmxKernels.supports(format) && !policy.roundsInputs(format)) {
                    int rows = Math.max(AmxKernels.ROWS, options.amxRows());
                    rates.add(measure(backend, weight, format, rows, FLOOR_TILES));
                }
            }
        }
        rates.add(attention(options));
        return rates;
    }

    /** What a policy narrows, or what a GGUF file has in blocks; of those zeros will do, since they take as long as others. */
    private static Tensor tensor(Arena arena, WeightFormat format) {
        List<Long> shape = List.of((long) OUTPUTS, (long) INNER);
        if (policy(format) == WeightPolicy.AS_STORED) {
            DType dtype = DType.valueOf(format.name());
            return new Tensor(dtype, shape, arena.allocate(dtype.bytes((long) INNER * OUTPUTS), 64));
        }
        MemorySegment values = arena.allocate(4L * INNER * OUTPUTS, 64);
        for (int i = 0; i < INNER * OUTPUTS; i++) {
            values.setAtIndex(ValueLayout.JAVA_FLOAT, i, (i % 13 - 6) / 7f);
        }
        return new Tensor(DType.F32, shape, values);
    }

    /** One token of several heads against what came before it: scores, softmax and weighted values together. */
    private static KernelRate attention(BackendOptions options) {
        HeadLayout heads = new HeadLayout(8, 2, 64);
        int blocks = POSITIONS / BLOCK;
        BackendOptions one = new BackendOptions(1, options.weights(), options.machineCode(), options.amxRows());
        try (CpuBackend backend = new CpuBackend(one)) {
            KvLayer kv = backend.allocateKv(blocks, BLOCK, heads, KvDType.F32);
            AttentionMetadata metadata = new AttentionMetadata(1, 1, BLOCK);
            metadata.add(IntStream.range(0, blocks).toArray(), POSITIONS - 1, POSITIONS);
            HostBuffer qkv = HostBuffer.of(heads.columns());
            HostBuffer out = HostBuffer.of(heads.queryColumns());
            AttentionRule rule = AttentionRule.causal(0.125f);
            double work = 4.0 * POSITIONS * heads.queryColumns();
            Runnable call = () -> backend.attention(qkv, heads, metadata, kv, rule, out);
            return new KernelRate(
                    "attention F32, 1 row", measure(call, work, FLOOR_ONE_ROW, BUDGET_NANOS), FLOOR_ONE_ROW);
        }
    }

    private static WeightPolicy policy(WeightFormat format) {
        return switch (format) {
            case F16 -> new WeightPolicy("float16", "none");
            case BF16 -> new WeightPolicy("bfloat16", "none");
            case INT8 -> new WeightPolicy("auto", "int8");
            case Q4_0 -> new WeightPolicy("auto", "int4");
            case F32 -> WeightPolicy.F32;
            default -> WeightPolicy.AS_STORED;
        };
    }

    private static KernelRate measure(
            CpuBackend backend, CpuWeight weight, WeightFormat format, int rows, double floor) {
        HostBuffer in = HostBuffer.of((long) rows * INNER);
        HostBuffer out = HostBuffer.of((long) rows * OUTPUTS);
        Runnable call = () -> backend.matmul(in, rows, weight, null, Activation.NONE, out);
        double rate = measure(call, 2.0 * rows * INNER * OUTPUTS, floor, BUDGET_NANOS);
        return new KernelRate("matmul " + format + ", " + (rows == 1 ? "1 row" : rows + " rows"), rate, floor);
    }

    /** Billions of operations per second of processor time: the best of some calls that is above the floor, or of all in time. */
    static double measure(Runnable call, double work, double floor, long budgetNanos) {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        double best = 0;
        long now = threads.getCurrentThreadCpuTime();
        long end = now + budgetNanos;
        while (best < floor && now < end) {
            for (int i = 0; i < CALLS; i++) {
                call.run();
            }
            long then = threads.getCurrentThreadCpuTime();
            best = Math.max(best, CALLS * work / (then - now));
            now = then;
        }
        return best;
    }
}

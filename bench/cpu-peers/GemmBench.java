import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.Weight;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.backend.cpu.CpuBackend;
import dev.spandrel.engine.tensor.Buffer;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The products of a step by themselves, on the sizes of a Llama of 135M, or of 0.2B for the block types of GGUF: its matrices in turn, so that each comes from memory as
 * in a step. Prints "gemm TYPE ROWS THREADS MATRIX GFLOP/s", medians of seven; conversion of the inputs is part of it.
 *
 * <p>Arguments: THREADS ROWS TYPE..., of which f32, f16, bf16, int8, int4 and GGUF's in capitals (Q4_K), with -a8 behind it inputs
 * rounded to int8; ROWS may be a list such as 4,8,16,32,64. -Damx=false and -DmachineCode=false as in CpuPeersBench.
 * -DamxRows=1 takes AMX from one row on: beside a run with -Damx=false it says from how many rows AMX pays.
 */
public final class GemmBench {
    private static final int LAYERS = 30;
    private static final int ROUNDS = 7;
    private static final int WARM_UP_NANOS = 1_500_000_000;

    private record Matrix(String name, int rows, int columns, int count) {}

    private static final List<Matrix> MATRICES = List.of(
            new Matrix("qkv", 960, 576, LAYERS),
            new Matrix("output", 576, 576, LAYERS),
            new Matrix("gateUp", 3072, 576, LAYERS),
            new Matrix("down", 576, 1536, LAYERS),
            new Matrix("head", 49_152, 576, 1));

    /** Widths that blocks of 256 divide. */
    private static final List<Matrix> OF_BLOCKS = List.of(
            new Matrix("qkv", 1280, 768, 24),
            new Matrix("output", 768, 768, 24),
            new Matrix("gateUp", 4096, 768, 24),
            new Matrix("down", 768, 2048, 24),
            new Matrix("head", 49_152, 768, 1));

    private GemmBench() {}

    public static void main(String[] args) {
        int threads = Integer.parseInt(args[0]);
        int[] heights = Arrays.stream(args[1].split(","))
                .mapToInt(Integer::parseInt)
                .toArray();
        for (String type : Arrays.copyOfRange(args, 2, args.length)) {
            BackendOptions options = BackendOptions.threads(threads).with(policy(type));
            options = new BackendOptions(
                    threads,
                    options.weights(),
                    !"false".equals(System.getProperty("machineCode")),
                    "false".equals(System.getProperty("amx")) ? 0 : Integer.getInteger("amxRows", BackendOptions.AMX_ROWS));
            try (CpuBackend backend = new CpuBackend(options);
                    Arena arena = Arena.ofShared()) {
                System.err.println("gemm " + type + " by " + backend.description());
                boolean blocks = type.startsWith("Q");
                for (Matrix matrix : blocks ? OF_BLOCKS : MATRICES) {
                    Tensor tensor = blocks ? blocks(arena, DType.valueOf(stored(type)), matrix) : floats(arena, matrix);
                    Weight[] weights = new Weight[matrix.count];
                    Arrays.setAll(weights, i -> backend.upload(tensor));
                    for (int rows : heights) {
                        double rate = measure(backend, weights, matrix, rows);
                        System.out.printf("gemm %s %d %d %s %.0f%n", type, rows, threads, matrix.name, rate);
                    }
                }
            }
        }
    }

    private static String stored(String type) {
        return type.endsWith("-a8") ? type.substring(0, type.length() - 3) : type;
    }

    private static WeightPolicy policy(String type) {
        WeightPolicy kept =
                switch (stored(type)) {
                    case "f32" -> WeightPolicy.F32;
                    case "bf16" -> new WeightPolicy("bfloat16", "none");
                    case "f16" -> new WeightPolicy("float16", "none");
                    case "int8", "int4" -> new WeightPolicy("auto", stored(type));
                    default -> WeightPolicy.AS_STORED;
                };
        return type.endsWith("-a8") ? new WeightPolicy(kept.dtype(), kept.quantization(), "int8") : kept;
    }

    /** Bytes at random, of which any make blocks; with less than all their bits the scales are numbers. */
    private static Tensor blocks(Arena arena, DType type, Matrix matrix) {
        MemorySegment data = arena.allocate(type.bytes((long) matrix.rows * matrix.columns), 64);
        SplittableRandom random = new SplittableRandom(1);
        for (long i = 0; i < data.byteSize(); i++) {
            data.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt(64));
        }
        return new Tensor(type, List.of((long) matrix.rows, (long) matrix.columns), data);
    }

    private static Tensor floats(Arena arena, Matrix matrix) {
        SplittableRandom random = new SplittableRandom(1);
        MemorySegment values = arena.allocate(4L * matrix.rows * matrix.columns, 64);
        for (long i = 0; i < (long) matrix.rows * matrix.columns; i++) {
            values.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextDouble(-0.05, 0.05));
        }
        return new Tensor(DType.F32, List.of((long) matrix.rows, (long) matrix.columns), values);
    }

    private static double measure(Backend backend, Weight[] weights, Matrix matrix, int rows) {
        Buffer in = backend.allocate((long) rows * matrix.columns);
        Buffer out = backend.allocate((long) rows * matrix.rows);
        long end = System.nanoTime() + WARM_UP_NANOS;
        while (System.nanoTime() < end) {
            multiply(backend, in, rows, weights, out);
        }
        double work = 2.0 * rows * matrix.rows * matrix.columns * matrix.count;
        int times = (int) Math.max(1, 2e10 / work);
        double[] rates = new double[ROUNDS];
        for (int r = 0; r < ROUNDS; r++) {
            long start = System.nanoTime();
            for (int i = 0; i < times; i++) {
                multiply(backend, in, rows, weights, out);
            }
            rates[r] = work * times / (System.nanoTime() - start);
        }
        Arrays.sort(rates);
        return rates[ROUNDS / 2];
    }

    private static void multiply(Backend backend, Buffer in, int rows, Weight[] weights, Buffer out) {
        for (Weight weight : weights) {
            backend.matmul(in, rows, weight, null, Activation.NONE, out);
        }
    }
}

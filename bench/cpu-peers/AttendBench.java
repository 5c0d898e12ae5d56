import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.AttentionRule;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.HostBuffer;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.KvLayer;
import dev.spandrel.engine.backend.cpu.CpuBackend;
import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Rotation, storing of keys and values, and attention by themselves, on the heads of a Llama of 135M and its 30 layers in turn, so
 * that keys and values come from memory as in a step. Prints "attend KV WORK THREADS PART ms", medians of nine over all layers;
 * PART is store (rotation too) or attention.
 *
 * <p>Arguments: THREADS KV WORK...; KV is f32, f16, bf16 or int8, WORK decode-SEQUENCES-POSITION or prefill-TOKENS;
 * -DmachineCode=false as in CpuPeersBench.
 */
public final class AttendBench {
    private static final HeadLayout HEADS = new HeadLayout(9, 3, 64);
    private static final int LAYERS = 30;
    private static final int BLOCK = 16;
    private static final int ROUNDS = 9;
    private static final long WARM_UP_NANOS = 3_000_000_000L;

    private AttendBench() {}

    public static void main(String[] args) {
        int threads = Integer.parseInt(args[0]);
        KvDType type = KvDType.valueOf(args[1].toUpperCase(Locale.ROOT));
        boolean machineCode = !"false".equals(System.getProperty("machineCode"));
        BackendOptions options = BackendOptions.threads(threads);
        options = new BackendOptions(threads, options.weights(), machineCode, 0);
        for (String work : Arrays.copyOfRange(args, 2, args.length)) {
            try (CpuBackend backend = new CpuBackend(options)) {
                AttentionMetadata metadata = metadata(work.split("-"));
                double[] parts = new Step(backend, metadata, type).measure();
                System.out.printf("attend %s %s %d store %.2f%n", args[1], work, threads, parts[0]);
                System.out.printf("attend %s %s %d attention %.2f%n", args[1], work, threads, parts[1]);
            }
        }
    }

    private static AttentionMetadata metadata(String[] work) {
        int count = Integer.parseInt(work[1]);
        boolean prefill = work[0].equals("prefill");
        int sequences = prefill ? 1 : count;
        int length = prefill ? count : Integer.parseInt(work[2]) + 1;
        AttentionMetadata metadata = new AttentionMetadata(count, sequences, BLOCK);
        int blocks = (length + BLOCK - 1) / BLOCK;
        for (int s = 0; s < sequences; s++) {
            int sequence = s;
            int[] table = IntStream.range(0, blocks).map(b -> b * sequences + sequence).toArray();
            metadata.add(table, prefill ? 0 : length - 1, length);
        }
        return metadata;
    }

    /** What all layers of a step work on. */
    private static final class Step {
        private final CpuBackend backend;
        private final AttentionMetadata metadata;
        private final KvLayer[] layers = new KvLayer[LAYERS];
        private final HostBuffer qkv;
        private final HostBuffer out;
        private final float[] angles;
        private final long[] nanos = new long[2];

        Step(CpuBackend backend, AttentionMetadata metadata, KvDType type) {
            this.backend = backend;
            this.metadata = metadata;
            int tokens = metadata.tokenCount();
            qkv = (HostBuffer) backend.allocate((long) tokens * HEADS.columns());
            out = (HostBuffer) backend.allocate((long) tokens * HEADS.queryColumns());
            angles = new float[tokens * HEADS.headDim()];
            SplittableRandom random = new SplittableRandom(1);
            for (int i = 0; i < tokens * HEADS.columns(); i++) {
                qkv.values()[i] = (float) random.nextDouble(-1, 1);
            }
            int[] table = metadata.blockTable(tokens - 1);
            Arrays.setAll(
                    layers,
                    i -> backend.allocateKv(table[table.length - 1] + 1, BLOCK, HEADS, type));
        }

        double[] measure() {
            long end = System.nanoTime() + WARM_UP_NANOS;
            while (System.nanoTime() < end) {
                run();
            }
            double[][] rounds = new double[2][ROUNDS];
            for (int r = 0; r < ROUNDS; r++) {
                Arrays.fill(nanos, 0);
                int times = 0;
                for (long from = System.nanoTime(); System.nanoTime() - from < 200_000_000; times++) {
                    run();
                }
                rounds[0][r] = nanos[0] / 1e6 / times;
                rounds[1][r] = nanos[1] / 1e6 / times;
            }
            Arrays.sort(rounds[0]);
            Arrays.sort(rounds[1]);
            return new double[] {rounds[0][ROUNDS / 2], rounds[1][ROUNDS / 2]};
        }

        private void run() {
            AttentionRule rule = AttentionRule.causal(0.125f);
            for (KvLayer layer : layers) {
                long start = System.nanoTime();
                backend.rope(qkv, metadata.tokenCount(), HEADS, HEADS.headDim(), angles);
                backend.storeKv(qkv, HEADS, metadata, layer);
                long stored = System.nanoTime();
                backend.attention(qkv, HEADS, metadata, layer, rule, out);
                nanos[0] += stored - start;
                nanos[1] += System.nanoTime() - stored;
            }
        }
    }
}

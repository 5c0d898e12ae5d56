package dev.spandrel.engine.model;

import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.backend.cuda.CudaBackend;
import dev.spandrel.engine.backend.cuda.CudaOptions;
import dev.spandrel.engine.backend.cuda.GpuMeasures;
import dev.spandrel.engine.cuda.CudaLibrary;
import dev.spandrel.engine.cuda.CudaProbe;
import dev.spandrel.engine.cuda.CudaSettings;
import dev.spandrel.engine.tensor.Buffer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What {@code bench/gpu/run.sh} measures: the read bandwidth and the rate of products of this device, then decode and prefill of a
 * shape with random weights, as shares of the bounds that follow from these. Times are medians after warm-up.
 */
public final class GpuBench {
    private static final int BLOCK_SIZE = 16;
    private static final int CONTEXT = Integer.getInteger("context", 2048);
    private static final int PROMPT = Integer.getInteger("prompt", 4096);
    private static final int STEPS = Integer.getInteger("steps", 64);
    /** Rows, columns and inner size of the product that tells what the device can do at most. */
    private static final int SQUARE = Integer.getInteger("square", 8192);

    /** What the device does at most: bytes read and products' operations a second. */
    private record Peaks(double bandwidth, double operations) {}

    private GpuBench() {}

    /** Prints one line per measurement: name, value, unit. With {@code --probe} says what is there and measures nothing; 3 is no GPU. */
    public static void main(String[] args) throws IOException {
        CudaSettings settings = settings();
        if (!(CudaLibrary.probe(settings) instanceof CudaProbe.Present present)) {
            CudaProbe.Absent absent = (CudaProbe.Absent) CudaLibrary.probe(settings);
            System.err.println("no GPU: " + absent.reason() + " (" + absent.cure() + ")");
            System.exit(3);
            return;
        }
        if (List.of(args).equals(List.of("--probe"))) {
            System.out.println(
                    "driver " + present.driver() + ", nvrtc " + present.nvrtc() + ", " + present.libraries());
            return;
        }
        CudaOptions options = CudaOptions.of(settings, new WeightPolicy("bfloat16", "none"), 0.95);
        Peaks peaks = peaks(options);
        for (String name : args) {
            measure(BenchShape.named(name), options, peaks);
        }
    }

    static CudaSettings settings() {
        return CudaSettings.of(
                System.getProperty("spandrel.cuda.library.path", ""),
                System.getenv(),
                Path.of(System.getProperty("user.home")));
    }

    private static Peaks peaks(CudaOptions options) {
        try (CudaBackend backend = new CudaBackend(options)) {
            System.out.println(backend.description());
            double bandwidth = GpuMeasures.readBandwidth(backend);
            line("read bandwidth", bandwidth / 1e9, "GB/s");
            double operations =
                    2e9 * SQUARE * SQUARE * SQUARE / GpuMeasures.productNanos(backend, SQUARE, SQUARE, SQUARE);
            line("product of " + SQUARE + " each way (" + GpuMeasures.yardstick() + ")", operations / 1e12, "TFLOP/s");
            line("downcalls of a step", GpuMeasures.downcallNanos() / 1e3, "us");
            return new Peaks(bandwidth, operations);
        }
    }

    private static void measure(BenchShape shape, CudaOptions options, Peaks peaks) throws IOException {
        Path folder = Files.createTempDirectory("spandrel-gpu-bench");
        try (CudaBackend backend = new CudaBackend(options)) {
            shape.write(folder);
            long begin = System.nanoTime();
            StepLimits limits = new StepLimits(PROMPT, 64, PROMPT + CONTEXT);
            Model model = ModelLoader.load(ModelConfig.read(folder), backend, limits);
            line(shape.name() + " load", (System.nanoTime() - begin) / 1e9, "s");
            GpuMeasures.randomize(backend);
            int perSequence = (PROMPT + CONTEXT) / BLOCK_SIZE;
            boolean many = shape.name().equals("llama-8b") || shape.name().equals("rehearsal");
            int blocks = Math.max(perSequence, (many ? 64 : 1) * (CONTEXT / BLOCK_SIZE + 8));
            KvCache cache = KvCache.allocate(backend, model, blocks, BLOCK_SIZE, KvDType.BF16);
            for (int batch : many ? new int[] {1, 8, 64} : new int[] {1}) {
                Decoding decoding = new Decoding(shape, backend, model, cache, batch);
                decoding.onDevice(peaks);
                decoding.byTheClock(false);
                decoding.byTheClock(true);
            }
            if (shape.kvHeads() > 0) {
                prefill(shape, backend, model, cache);
            }
        } finally {
            try (var files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }

    /** Steps of one token for each of some sequences, as the engine lays them out. */
    private static final class Decoding {
        private final BenchShape shape;
        private final CudaBackend backend;
        private final Model model;
        private final KvCache cache;
        private final int batch;
        private final ForwardInput input = new ForwardInput(PROMPT, 64, 64, BLOCK_SIZE);
        private final DrawsOf draws;
        private final int length = Math.min(CONTEXT, 2048 - 2 * STEPS);
        private final int[] tokens = new int[length + 2 * STEPS + 1];

        Decoding(BenchShape shape, CudaBackend backend, Model model, KvCache cache, int batch) {
            this.shape = shape;
            this.backend = backend;
            this.model = model;
            this.cache = cache;
            this.batch = batch;
            draws = new DrawsOf(backend, shape.vocab(), batch);
        }

        /** One measured step; some go before it whose time is not kept. */
        @FunctionalInterface
        private interface Step {
            long nanos(int position, boolean first);
        }

        private long[] steps(Step step) {
            long[] nanos = new long[STEPS];
            for (int i = -STEPS / 2; i < STEPS; i++) {
                long taken = step.nanos(length + STEPS / 2 + i, i == -STEPS / 2);
                if (i >= 0) {
                    nanos[i] = taken;
                }
            }
            return nanos;
        }

        private Buffer pass(int position, java.util.function.IntUnaryOperator token) {
            int tableSize = tokens.length / BLOCK_SIZE + 1;
            input.clear();
            for (int s = 0; s < batch; s++) {
                tokens[position] = token.applyAsInt(s);
                input.add(tokens, position, position + 1, table(s, tableSize), 1);
            }
            return GpuBench.pass(backend, model, input, cache, batch);
        }

        private String name() {
            return shape.name() + " decode, " + batch + " sequences at " + length + " tokens";
        }

        /** By the device's time, as shares of the bounds; and what the host did meanwhile. */
        void onDevice(Peaks peaks) {
            long[] host = new long[2 * STEPS];
            int[] at = {0};
            long nanos = median(steps((position, first) -> {
                long begin = System.nanoTime();
                GpuMeasures.begin(backend);
                draws.start(pass(position, s -> (s + position) % shape.vocab()));
                GpuMeasures.end(backend);
                host[at[0]++] = System.nanoTime() - begin;
                draws.read();
                return GpuMeasures.elapsedNanos(backend);
            }));
            line(name(), batch * 1e9 / nanos, "tok/s");
            double bytes = shape.weightBytes() + (double) batch * shape.kvBytesPerToken() * length;
            double reading = bytes / peaks.bandwidth;
            // Two operations for each weight of two bytes.
            double multiplying = (double) batch * shape.weightBytes() / peaks.operations;
            String mega = Math.round(bytes / 1e6) + " MB at the read bandwidth";
            line(name() + ", share of " + mega, 100 * reading / (nanos / 1e9), "%");
            line(name() + ", share of the larger bound", 100 * Math.max(reading, multiplying) / (nanos / 1e9), "%");
            line(name() + ", host time of a step", median(Arrays.copyOfRange(host, STEPS / 2, at[0])) / 1e3, "us");
        }

        /**
         * By the wall clock, publishing left out: each pass behind the ids of the last one, or sent off with places for them before
         * they are read, as the engine does it.
         */
        void byTheClock(boolean ahead) {
            long[] wall = steps((position, first) -> {
                long begin = System.nanoTime();
                Buffer logits = pass(position, s -> first ? s % shape.vocab() : ahead ? -1 - s : draws.drawn(s));
                if (ahead && !first) {
                    draws.read();
                }
                draws.start(logits);
                if (!ahead) {
                    draws.read();
                }
                return System.nanoTime() - begin;
            });
            draws.read();
            String how = ahead ? "sent off before ids are read" : "one by one";
            line(shape.name() + " decode, " + batch + " sequences, " + how + ", a step", median(wall) / 1e3, "us");
        }
    }

    private static int[] table(int sequence, int size) {
        int[] table = new int[size];
        for (int i = 0; i < size; i++) {
            table[i] = sequence * size + i;
        }
        return table;
    }

    private static Buffer pass(CudaBackend backend, Model model, ForwardInput input, KvCache cache, int logitRows) {
        backend.beginStep(input.metadata(), logitRows);
        Buffer logits = model.forward(input, cache);
        backend.endStep();
        return logits;
    }

    private static void prefill(BenchShape shape, CudaBackend backend, Model model, KvCache cache) {
        ForwardInput input = new ForwardInput(PROMPT, 1, 64, BLOCK_SIZE);
        long[] device = new long[5];
        for (int run = -1; run < device.length; run++) {
            input.clear();
            input.add(new int[PROMPT], 0, PROMPT, table(0, PROMPT / BLOCK_SIZE), 1);
            GpuMeasures.begin(backend);
            pass(backend, model, input, cache, 1);
            GpuMeasures.end(backend);
            if (run >= 0) {
                device[run] = GpuMeasures.elapsedNanos(backend);
            }
        }
        long nanos = median(device);
        int width = shape.heads() * shape.headDim();
        int kvWidth = shape.kvHeads() * shape.headDim();
        long products = 0;
        for (int[] size : new int[][] {
            {width + 2 * kvWidth, shape.hidden()},
            {shape.hidden(), width},
            {2 * shape.inner(), shape.hidden()},
            {shape.hidden(), shape.inner()}
        }) {
            products += shape.layers() * GpuMeasures.productNanos(backend, PROMPT, size[1], size[0]);
        }
        line(shape.name() + " prefill of " + PROMPT, PROMPT * 1e9 / nanos, "tok/s");
        line(
                shape.name() + " prefill, share of the rate of its bare products (" + GpuMeasures.yardstick() + ")",
                100.0 * products / nanos,
                "%");
    }

    private static long median(long[] values) {
        long[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    static void line(String name, double value, String unit) {
        System.out.printf(Locale.ROOT, "%s: %.2f %s%n", name, value, unit);
    }
}

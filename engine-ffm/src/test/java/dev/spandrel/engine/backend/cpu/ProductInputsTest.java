package dev.spandrel.engine.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.AttentionRule;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.HostBuffer;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.KvLayer;
import dev.spandrel.engine.backend.Norm;
import dev.spandrel.engine.backend.Weight;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A product whose inputs its predecessor has converted has the bits of one that converts them itself, and when they changed in
 * between it reads what they are now. A backend knows what follows what from the step before, so its first step converts all.
 */
class ProductInputsTest {
    private static final long SEED = 20_261_126;
    private static final int HIDDEN = 192;
    private static final int INNER = 320;
    /** Rows as wide as {@link #INNER}, outputs as wide as {@link #HIDDEN}. */
    private static final HeadLayout THREE_HEADS = new HeadLayout(3, 1, 64);
    /** Outputs as wide as {@link #INNER}. */
    private static final HeadLayout FIVE_HEADS = new HeadLayout(5, 5, 64);

    private final Random random = new Random(SEED);
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
    }

    /** A layer's verbs, twice over the same inputs; with fewer rows, and with another format's way of converting. */
    @ParameterizedTest
    @CsvSource({
        "float32, none, auto, 33",
        "bfloat16, none, auto, 1",
        "bfloat16, none, auto, 33",
        "float16, none, auto, 33",
        "auto, int8, auto, 33",
        "auto, int4, auto, 33",
        "auto, int8, int8, 1",
        "auto, int8, int8, 33",
        "auto, int4, int8, 70"
    })
    void aStepHasTheBitsOfTheFirst(String dtype, String quantization, String activations, int rows) {
        for (boolean machineCode : new boolean[] {true, false}) {
            BackendOptions options = BackendOptions.threads(3).with(new WeightPolicy(dtype, quantization, activations));
            try (Layer layer = new Layer(machineCode ? options : options.withoutMachineCode())) {
                float[] input = values(70 * HIDDEN);
                List<float[]> first = layer.step(input, rows);
                for (int again = 0; again < 2; again++) {
                    assertSame(layer.step(input, rows), first);
                }
                float[] other = values(70 * HIDDEN);
                List<float[]> fewer = layer.step(other, rows / 2 + 1);
                try (Layer fresh = layer.fresh()) {
                    assertSame(fewer, fresh.step(other, rows / 2 + 1));
                }
            }
        }
    }

    /** Every verb that can write a buffer, between who made it and who reads it. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "embed",
                "layerNorm",
                "rmsNorm",
                "normHeads",
                "rope",
                "gate",
                "scale",
                "softCap",
                "matmul",
                "normMatmul",
                "matmulAdd",
                "normMatmulGate",
                "add",
                "attend",
                "attention",
                "gatherRows"
            })
    void whatChangesInBetweenIsReadAnew(String verb) {
        for (String activations : new String[] {"auto", "int8"}) {
            WeightPolicy policy = activations.equals("auto")
                    ? new WeightPolicy("bfloat16", "none", "auto")
                    : new WeightPolicy("auto", "int8", "int8");
            try (Layer layer = new Layer(BackendOptions.threads(3).with(policy))) {
                float[] input = values(70 * HIDDEN);
                layer.step(input, 33);
                layer.step(input, 33);
                layer.gateUp(input, 33);
                layer.change(verb, 33);
                float[] changed = layer.inner.values().clone();
                float[] found = layer.down(33);
                try (Layer fresh = layer.fresh()) {
                    System.arraycopy(changed, 0, fresh.inner.values(), 0, changed.length);
                    assertThat(found).as(verb + ", seed " + SEED).isEqualTo(fresh.down(33));
                }
            }
        }
    }

    private static void assertSame(List<float[]> found, List<float[]> expected) {
        for (int i = 0; i < expected.size(); i++) {
            assertThat(found.get(i)).as("verb %d, seed %d", i, SEED).isEqualTo(expected.get(i));
        }
    }

    private float[] values(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private Tensor tensor(int... shape) {
        int count = java.util.Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        Tensor tensor = new Tensor(
                DType.F32,
                java.util.Arrays.stream(shape).mapToObj(Long::valueOf).toList(),
                arena.allocate(count * 4L, 64));
        for (int i = 0; i < count; i++) {
            tensor.data().setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
        }
        return tensor;
    }

    /** One layer's weights and buffers on a backend of its own. */
    private final class Layer implements AutoCloseable {
        private final BackendOptions options;
        private final CpuBackend backend;
        private final Tensor[] tensors;
        private final Weight factors;
        private final Weight qkvWeight;
        private final Weight outputWeight;
        private final Weight gateUpWeight;
        private final Weight downWeight;
        private final Weight square;
        private final Weight table;
        private final HostBuffer hidden = HostBuffer.of(70 * HIDDEN);
        private final HostBuffer normed = HostBuffer.of(70 * HIDDEN);
        private final HostBuffer qkv = HostBuffer.of(70 * THREE_HEADS.columns());
        private final HostBuffer attended = HostBuffer.of(70 * HIDDEN);
        private final HostBuffer projected = HostBuffer.of(70 * 2 * INNER);
        private final HostBuffer gateUp = HostBuffer.of(70 * 2 * INNER);
        private final HostBuffer inner = HostBuffer.of(70 * INNER);

        Layer(BackendOptions options) {
            this(options, new Tensor[] {
                tensor(HIDDEN),
                tensor(THREE_HEADS.columns(), HIDDEN),
                tensor(HIDDEN, HIDDEN),
                tensor(2 * INNER, HIDDEN),
                tensor(HIDDEN, INNER),
                tensor(INNER, INNER),
                tensor(INNER)
            });
        }

        private Layer(BackendOptions options, Tensor[] tensors) {
            this.options = options;
            this.tensors = tensors;
            backend = new CpuBackend(options);
            factors = backend.upload(tensors[0]);
            qkvWeight = backend.upload(tensors[1]);
            outputWeight = backend.upload(tensors[2]);
            gateUpWeight = backend.upload(tensors[3]);
            downWeight = backend.upload(tensors[4]);
            square = backend.upload(tensors[5]);
            table = backend.uploadTable(tensors[5]);
        }

        /** The same weights on a backend that has done nothing yet. */
        Layer fresh() {
            return new Layer(options, tensors);
        }

        List<float[]> step(float[] input, int rows) {
            List<float[]> made = new ArrayList<>();
            System.arraycopy(input, 0, hidden.values(), 0, rows * HIDDEN);
            Norm norm = Norm.rms(factors, 1e-5f);
            backend.normMatmul(hidden, rows, norm, qkvWeight, null, Activation.NONE, normed, qkv);
            made.add(front(qkv, rows * THREE_HEADS.columns()));
            backend.attend(
                    qkv, THREE_HEADS, alone(rows), 0, null, kv(THREE_HEADS), AttentionRule.causal(0.2f), attended);
            made.add(front(attended, rows * HIDDEN));
            backend.matmulAdd(attended, rows, outputWeight, null, projected, hidden);
            made.add(front(hidden, rows * HIDDEN));
            gateUp(hidden.values(), rows);
            made.add(front(inner, rows * INNER));
            made.add(down(rows));
            return made;
        }

        void gateUp(float[] input, int rows) {
            System.arraycopy(input, 0, hidden.values(), 0, rows * HIDDEN);
            Norm norm = Norm.rms(factors, 1e-5f);
            backend.normMatmulGate(hidden, rows, norm, gateUpWeight, null, Activation.SILU, normed, gateUp, inner);
        }

        float[] down(int rows) {
            backend.matmul(inner, rows, downWeight, null, Activation.NONE, projected);
            return front(projected, rows * HIDDEN);
        }

        /** Writes {@link #inner} by a verb. */
        void change(String verb, int rows) {
            HostBuffer from = random(INNER);
            Weight wide = backend.upload(tensors[6]);
            switch (verb) {
                case "embed" -> backend.embed(table, new int[rows], rows, true, inner);
                case "layerNorm" -> backend.layerNorm(inner, rows, INNER, null, null, 1e-5f, inner);
                case "rmsNorm" -> backend.rmsNorm(inner, rows, INNER, wide, 1e-5f, inner);
                case "normHeads" -> backend.normHeads(inner, rows, THREE_HEADS, heads(), heads(), 1e-5f);
                case "rope" -> backend.rope(inner, rows, THREE_HEADS, 64, values(rows * 64));
                case "gate" -> backend.gate(random(2 * INNER), rows, INNER, Activation.RELU, inner);
                case "scale" -> backend.scale(inner, (long) rows * INNER, 3);
                case "softCap" -> backend.softCap(inner, (long) rows * INNER, 0.5f);
                case "matmul" -> backend.matmul(from, rows, square, null, Activation.NONE, inner);
                case "normMatmul" ->
                    backend.normMatmul(
                            from, rows, Norm.rms(wide, 1e-5f), square, null, Activation.NONE, inner, projected);
                case "matmulAdd" -> backend.matmulAdd(from, rows, square, null, projected, inner);
                case "normMatmulGate" -> gateUp(values(rows * HIDDEN), rows);
                case "add" -> backend.add(from, (long) rows * INNER, inner);
                case "attend" ->
                    backend.attend(
                            inner,
                            THREE_HEADS,
                            alone(rows),
                            64,
                            values(rows * 64),
                            kv(THREE_HEADS),
                            AttentionRule.causal(1),
                            projected);
                case "attention" ->
                    backend.attention(
                            random(FIVE_HEADS.columns()),
                            FIVE_HEADS,
                            alone(rows),
                            kv(FIVE_HEADS),
                            AttentionRule.causal(1),
                            inner);
                case "gatherRows" -> backend.gatherRows(from, new int[rows], rows, INNER, inner);
                default -> throw new IllegalArgumentException(verb);
            }
        }

        private Weight heads() {
            return backend.upload(tensor(64));
        }

        private HostBuffer random(int columns) {
            HostBuffer rows = HostBuffer.of(70L * columns);
            System.arraycopy(values(70 * columns), 0, rows.values(), 0, 70 * columns);
            return rows;
        }

        private KvLayer kv(HeadLayout layout) {
            return backend.allocateKv(70, 16, layout, KvDType.F32);
        }

        private static AttentionMetadata alone(int rows) {
            AttentionMetadata step = new AttentionMetadata(70, 70, 16);
            for (int t = 0; t < rows; t++) {
                step.add(new int[] {t}, 0, 1);
            }
            return step;
        }

        private static float[] front(HostBuffer buffer, int count) {
            return java.util.Arrays.copyOf(buffer.values(), count);
        }

        @Override
        public void close() {
            backend.close();
        }
    }
}

package dev.spandrel.engine.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.AttentionRule;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.HostBuffer;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.KvLayer;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The verb that turns, stores and attends in one task has the bits of the three that do it one after the other. */
class RopeAndStoreTest {
    private static final long SEED = 20_261_126;
    private static final int BLOCKS = 40;
    /** With 9 and 3 heads a tile has all that read a key, with 8 and 1 it takes two, with 40 columns there is no machine code. */
    private static final HeadLayout[] LAYOUTS = {
        new HeadLayout(9, 3, 64), new HeadLayout(2, 2, 128), new HeadLayout(8, 1, 64), new HeadLayout(4, 2, 40)
    };

    private static final AttentionRule[] RULES = {AttentionRule.causal(0.1f), new AttentionRule(0.1f, 20, 5)};

    private final Random random = new Random(SEED);

    /** Sequences that have no position, that fill a block, that begin one, and longer ones. */
    @ParameterizedTest
    @EnumSource(KvDType.class)
    void oneTokenOfEachSequence(KvDType dtype) {
        int[] lengths = {0, 3, 15, 16, 31, 32, 47, 100};
        for (HeadLayout layout : LAYOUTS) {
            int[][] tables = tables(lengths);
            float[] before = values(sum(lengths) * layout.columns());
            Consumer<AttentionMetadata> prompts = step -> {
                for (int s = 0; s < lengths.length; s++) {
                    step.add(tables[s], 0, lengths[s]);
                }
            };
            Consumer<AttentionMetadata> decode = step -> {
                for (int s = 0; s < lengths.length; s++) {
                    step.add(tables[s], lengths[s], lengths[s] + 1);
                }
            };
            assertSameBits(dtype, layout, 3, before, prompts, decode);
        }
    }

    /** Two sequences' entries of one table: the first sees what is stored for the second. */
    @Test
    void tokensThatSeeEachOtherAreStoredFirst() {
        int[][] tables = tables(new int[] {20, 20});
        HeadLayout layout = LAYOUTS[0];
        Consumer<AttentionMetadata> prompts = step -> {
            step.add(tables[0], 0, 16);
            step.add(tables[1], 0, 8);
        };
        Consumer<AttentionMetadata> inOneBlock = step -> {
            step.add(tables[0], 17, 18);
            step.add(tables[1], 8, 9);
            step.add(tables[0], 16, 17);
        };
        int[] sharing = {tables[0][0], tables[1][1]};
        Consumer<AttentionMetadata> inAnotherBlock = step -> {
            step.add(sharing, 16, 17);
            step.add(tables[0], 15, 16);
        };
        float[] before = values(24 * layout.columns());
        assertSameBits(KvDType.F32, layout, 1, before, prompts, inOneBlock);
        assertSameBits(KvDType.F32, layout, 1, before, prompts, inAnotherBlock);
    }

    private void assertSameBits(
            KvDType dtype,
            HeadLayout layout,
            int threads,
            float[] before,
            Consumer<AttentionMetadata> prompts,
            Consumer<AttentionMetadata> decode) {
        AttentionMetadata prompt = step(prompts);
        AttentionMetadata next = step(decode);
        float[] rows = values(next.tokenCount() * layout.columns());
        int rotaryDim = layout.headDim() / 2;
        float[] angles = values(next.tokenCount() * rotaryDim);
        for (AttentionRule rule : RULES) {
            for (int turned : new int[] {rotaryDim, 0}) {
                try (CpuBackend backend = new CpuBackend(BackendOptions.threads(threads))) {
                    KvLayer together = backend.allocateKv(BLOCKS, 16, layout, dtype);
                    KvLayer apart = backend.allocateKv(BLOCKS, 16, layout, dtype);
                    backend.storeKv(buffer(before), layout, prompt, together);
                    backend.storeKv(buffer(before), layout, prompt, apart);
                    HostBuffer expected = HostBuffer.of((long) next.tokenCount() * layout.queryColumns());
                    HostBuffer found = HostBuffer.of(expected.capacity());
                    HostBuffer turnedRows = buffer(rows);
                    if (turned > 0) {
                        backend.rope(turnedRows, next.tokenCount(), layout, turned, angles);
                    }
                    backend.storeKv(turnedRows, layout, next, apart);
                    backend.attention(turnedRows, layout, next, apart, rule, expected);
                    backend.attend(buffer(rows), layout, next, turned, angles, together, rule, found);
                    String what = "%s, %s, %s, turned %d, seed %d".formatted(layout, dtype, rule, turned, SEED);
                    assertThat(found.values()).as(what).isEqualTo(expected.values());
                    // What has been stored is seen by the next step.
                    backend.attention(turnedRows, layout, next, together, rule, found);
                    assertThat(found.values()).as(what).isEqualTo(expected.values());
                }
            }
        }
    }

    private static AttentionMetadata step(Consumer<AttentionMetadata> fill) {
        AttentionMetadata step = new AttentionMetadata(512, 16, 16);
        fill.accept(step);
        return step;
    }

    private static HostBuffer buffer(float[] values) {
        HostBuffer buffer = HostBuffer.of(values.length);
        System.arraycopy(values, 0, buffer.values(), 0, values.length);
        return buffer;
    }

    private float[] values(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static int sum(int[] lengths) {
        return java.util.Arrays.stream(lengths).sum();
    }

    /** Blocks for one token more than each length. */
    private static int[][] tables(int[] lengths) {
        int[][] tables = new int[lengths.length][];
        int block = BLOCKS;
        for (int s = 0; s < lengths.length; s++) {
            tables[s] = new int[lengths[s] / 16 + 1];
            for (int b = 0; b < tables[s].length; b++) {
                tables[s][b] = --block;
            }
        }
        return tables;
    }
}

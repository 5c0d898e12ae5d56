package dev.spandrel.engine.backend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.tensor.Buffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What attention over the paged cache must compute, for every type that the cache may have. */
public abstract class AttentionContract extends ContractInputs {
    /** Rounding that a backend may add in prompts, relative to the largest output: queries and weights may be narrow there. */
    protected double attentionRounding(KvDType dtype) {
        return 0;
    }

    /** Tokens from which on a piece of a prompt has the bits of the whole. */
    protected int leastChunk() {
        return 1;
    }

    /** A window and a cap, and the bits of a whole prefill also in chunks. */
    @ParameterizedTest
    @CsvSource({"8, 0", "0, 5", "20, 5", "16, 0", "1, 0", "33, 0"})
    void attentionFollowsItsRule(int window, float softCap) {
        for (KvDType dtype : KvDType.values()) {
            attentionFollowsItsRule(window, softCap, dtype);
        }
    }

    private void attentionFollowsItsRule(int window, float softCap, KvDType dtype) {
        AttentionRule rule = new AttentionRule(0.4f, window, softCap);
        HeadLayout layout = new HeadLayout(4, 2, 64);
        float[] qkv = values(70 * layout.columns());
        int[] table = {4, 1, 3, 0, 2};
        AttentionMetadata metadata = new AttentionMetadata(70, 1, 16);
        metadata.add(table, 0, 70);
        float[] expected = attend(truth, qkv, layout, metadata, truth.allocateKv(5, 16, layout, dtype), rule);
        float[] whole = attend(backend, qkv, layout, metadata, backend.allocateKv(5, 16, layout, dtype), rule);
        assertClose(whole, expected, 64 + 70, attentionRounding(dtype));
        KvLayer kv = backend.allocateKv(5, 16, layout, dtype);
        int width = layout.queryColumns();
        for (int from = 0; from < 70; ) {
            int to = chunkEnd(from, 70);
            AttentionMetadata chunk = new AttentionMetadata(70, 1, 16);
            chunk.add(table, from, to);
            float[] part = java.util.Arrays.copyOfRange(qkv, from * layout.columns(), to * layout.columns());
            assertThat(attend(backend, part, layout, chunk, kv, rule))
                    .as("rows %d to %d", from, to)
                    .isEqualTo(java.util.Arrays.copyOfRange(whole, from * width, to * width));
            from = to;
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 64",
        "3, 3, 64",
        "4, 2, 32",
        "6, 1, 40",
        "2, 2, 7",
        "2, 1, 128",
        "9, 3, 64",
        "14, 2, 64",
        "8, 1, 256"
    })
    void pagedAttentionMatches(int heads, int kvHeads, int headDim) {
        for (KvDType dtype : KvDType.values()) {
            pagedAttentionMatches(heads, kvHeads, headDim, dtype);
        }
    }

    private void pagedAttentionMatches(int heads, int kvHeads, int headDim, KvDType dtype) {
        HeadLayout layout = new HeadLayout(heads, kvHeads, headDim);
        int[] lengths = {1, 40, 17, 100};
        List<int[]> tables = scatteredTables(lengths, 16, 30);
        KvLayer expectedKv = truth.allocateKv(30, 16, layout, dtype);
        KvLayer foundKv = backend.allocateKv(30, 16, layout, dtype);
        float[][] rows = new float[lengths.length][];
        for (int s = 0; s < lengths.length; s++) {
            rows[s] = values(lengths[s] * layout.columns());
        }
        // First all but the last token of each, then the last ones together as a decode step.
        for (boolean last : new boolean[] {false, true}) {
            AttentionMetadata metadata = new AttentionMetadata(200, 4, 16);
            List<Float> step = new ArrayList<>();
            for (int s = 0; s < lengths.length; s++) {
                int from = last ? lengths[s] - 1 : 0;
                int to = last ? lengths[s] : lengths[s] - 1;
                metadata.add(tables.get(s), from, to);
                for (int i = from * layout.columns(); i < to * layout.columns(); i++) {
                    step.add(rows[s][i]);
                }
            }
            float[] qkv = new float[step.size()];
            for (int i = 0; i < qkv.length; i++) {
                qkv[i] = step.get(i);
            }
            float[] expected = attend(truth, qkv, layout, metadata, expectedKv);
            float[] found = attend(backend, qkv, layout, metadata, foundKv);
            assertClose(found, expected, headDim + 100, last ? 0 : attentionRounding(dtype));
        }
    }

    @Test
    void narrowKeysAndValuesAreWithinTheirRounding() {
        float[] values = {0, 1, -1, 0.1f, 65504, -70000, 3e-8f, 1e-6f, 127};
        for (float value : values) {
            assertThat(Float.intBitsToFloat(KvDType.toBf16(value) << 16))
                    .isCloseTo(value, org.assertj.core.data.Offset.offset(Math.abs(value) / 256));
            assertThat(Float.float16ToFloat(KvDType.toF16(value)))
                    .isCloseTo(
                            Math.clamp(value, -65504f, 65504f),
                            org.assertj.core.data.Offset.offset(Math.abs(value) / 2048 + 3e-8f));
        }
        float scale = KvDType.int8Scale(new float[] {3, -12.7f, 5}, 0, 3);
        assertThat(scale).isEqualTo(0.1f, org.assertj.core.data.Offset.offset(1e-6f));
        assertThat(KvDType.toInt8(-12.7f, scale)).isEqualTo((byte) -127);
        assertThat(KvDType.toInt8(3, scale)).isEqualTo((byte) 30);
        assertThat(KvDType.toInt8(3, 0)).isZero();
    }

    /** Chunked prefill must give the bits of whole prefill. */
    @ParameterizedTest
    @EnumSource(KvDType.class)
    void attentionInChunksHasTheSameBits(KvDType dtype) {
        HeadLayout layout = new HeadLayout(3, 3, 64);
        float[] qkv = values(70 * layout.columns());
        int[] table = {4, 1, 3, 0, 2};
        AttentionMetadata whole = new AttentionMetadata(70, 1, 16);
        whole.add(table, 0, 70);
        float[] expected = attend(backend, qkv, layout, whole, backend.allocateKv(5, 16, layout, dtype));
        KvLayer kv = backend.allocateKv(5, 16, layout, dtype);
        int width = layout.queryColumns();
        for (int from = 0; from < 70; ) {
            int to = chunkEnd(from, 70);
            AttentionMetadata chunk = new AttentionMetadata(70, 1, 16);
            chunk.add(table, from, to);
            float[] part = java.util.Arrays.copyOfRange(qkv, from * layout.columns(), to * layout.columns());
            float[] found = attend(backend, part, layout, chunk, kv);
            assertThat(found)
                    .as("rows %d to %d", from, to)
                    .isEqualTo(java.util.Arrays.copyOfRange(expected, from * width, to * width));
            from = to;
        }
    }

    private int chunkEnd(int from, int count) {
        int end = Math.min(count, from + leastChunk() + random.nextInt(20));
        return count - end < leastChunk() ? count : end;
    }

    private List<int[]> scatteredTables(int[] lengths, int blockSize, int blocks) {
        List<Integer> all = new ArrayList<>();
        for (int i = 0; i < blocks; i++) {
            all.add(i);
        }
        java.util.Collections.shuffle(all, random);
        List<int[]> tables = new ArrayList<>();
        for (int length : lengths) {
            int[] table = new int[(length + blockSize - 1) / blockSize];
            for (int i = 0; i < table.length; i++) {
                table[i] = all.removeLast();
            }
            tables.add(table);
        }
        return tables;
    }

    private float[] attend(Backend on, float[] qkv, HeadLayout layout, AttentionMetadata metadata, KvLayer kv) {
        float scale = (float) (1 / Math.sqrt(layout.headDim()));
        return attend(on, qkv, layout, metadata, kv, AttentionRule.causal(scale));
    }

    private float[] attend(
            Backend on, float[] qkv, HeadLayout layout, AttentionMetadata metadata, KvLayer kv, AttentionRule rule) {
        Buffer in = buffer(on, qkv);
        Buffer out = on.allocate((long) metadata.tokenCount() * layout.queryColumns());
        on.storeKv(in, layout, metadata, kv);
        on.attention(in, layout, metadata, kv, rule, out);
        return all(on, out, metadata.tokenCount(), layout.queryColumns());
    }
}

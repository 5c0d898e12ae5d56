package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.AttentionContract;
import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.AttentionRule;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.KvLayer;
import dev.spandrel.engine.tensor.Buffer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Attention of a backend that takes tensor cores for prompts. */
abstract class PromptAttentionContract extends AttentionContract {
    /** Queries and weights of values are rounded to the cache's type, of INT8 to BF16. */
    @Override
    protected double attentionRounding(KvDType dtype) {
        return switch (dtype) {
            case F32 -> 0;
            case F16 -> 2e-3;
            case BF16, INT8 -> 1e-2;
        };
    }

    /** Shorter pieces go the other way. */
    @Override
    protected int leastChunk() {
        return 16;
    }

    /** Every width of kernel, and heads that fill it in part; prompts and generated tokens of several sequences in one pass. */
    @ParameterizedTest
    @CsvSource({"4, 2, 64", "2, 1, 80", "3, 1, 96", "14, 2, 128", "2, 2, 144", "1, 1, 256", "64, 1, 16"})
    void promptsBesideGeneratedTokens(int heads, int kvHeads, int headDim) {
        HeadLayout layout = new HeadLayout(heads, kvHeads, headDim);
        AttentionRule rule = AttentionRule.causal((float) (1 / Math.sqrt(headDim)));
        int[][] tables = {{9, 3, 7, 1, 11, 5, 0, 2}, {4, 6}, {8, 10, 12}};
        // A prompt of 100 tokens, its first 33 computed before; one generated token; a prompt whose first piece comes
        // alone.
        int[][] spans = {{33, 100}, {20, 21}, {0, 17}};
        for (KvDType dtype : new KvDType[] {KvDType.F16, KvDType.BF16, KvDType.INT8}) {
            float[][] found = new float[2][];
            Backend[] both = {truth, backend};
            float[] rows = values(150 * layout.columns());
            for (int i = 0; i < 2; i++) {
                KvLayer kv = both[i].allocateKv(13, 16, layout, dtype);
                AttentionMetadata before = new AttentionMetadata(150, 3, 16);
                before.add(tables[0], 0, 33);
                before.add(tables[1], 0, 20);
                Buffer earlier = buffer(both[i], java.util.Arrays.copyOf(rows, 53 * layout.columns()));
                both[i].storeKv(earlier, layout, before, kv);
                AttentionMetadata metadata = new AttentionMetadata(150, 3, 16);
                for (int s = 0; s < 3; s++) {
                    metadata.add(tables[s], spans[s][0], spans[s][1]);
                }
                int count = metadata.tokenCount();
                Buffer qkv = buffer(both[i], java.util.Arrays.copyOf(rows, count * layout.columns()));
                Buffer out = both[i].allocate((long) count * layout.queryColumns());
                both[i].beginStep(metadata, 3);
                both[i].attend(qkv, layout, metadata, 0, null, kv, rule, out);
                both[i].endStep();
                found[i] = all(both[i], out, count, layout.queryColumns());
            }
            assertClose(found[1], found[0], headDim + 100, attentionRounding(dtype));
        }
    }
}

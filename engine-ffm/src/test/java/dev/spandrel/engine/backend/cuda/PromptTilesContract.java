package dev.spandrel.engine.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.AttentionRule;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.ContractInputs;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.KvLayer;
import dev.spandrel.engine.tensor.Buffer;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tiles of prompts where nothing may be rounded: each row has the bits that it has as the only token of a pass. */
abstract class PromptTilesContract extends ContractInputs {
    private static final int BEFORE = 90;
    private static final int TOKENS = 290;
    private static final int[] TABLE = {9, 3, 17, 1, 11, 5, 0, 2, 14, 4, 18, 6, 8, 16, 10, 13, 12, 7, 15};
    /** At the edges of pieces, of tiles and of the pass, and in between. */
    private static final int[] LOOKED_AT = {BEFORE, 97, 127, 128, 129, 200, 255, 256, 288, 289};

    /** Heads that share a kv head in whole and broken tiles, several pieces, windows that begin within a piece, and a cap. */
    @ParameterizedTest
    @CsvSource({
        "F32, 4, 2, 64, 0, 0",
        "F32, 2, 2, 128, 100, 0",
        "F32, 3, 1, 80, 37, 5",
        "F32, 1, 1, 256, 0, 0",
        "F16, 7, 1, 32, 0, 30",
        "BF16, 3, 1, 64, 0, 0",
        "BF16, 2, 1, 128, 140, 0",
        "INT8, 20, 1, 16, 150, 0",
        "INT8, 2, 1, 128, 0, 0"
    })
    void tilesHaveTheBitsOfSingleTokens(KvDType dtype, int heads, int kvHeads, int headDim, int window, float softCap) {
        HeadLayout layout = new HeadLayout(heads, kvHeads, headDim);
        AttentionRule rule = new AttentionRule((float) (1 / Math.sqrt(headDim)), window, softCap);
        float[] rows = values(TOKENS * layout.columns());
        KvLayer kv = backend.allocateKv(TABLE.length, 16, layout, dtype);
        KvLayer trueKv = truth.allocateKv(TABLE.length, 16, layout, dtype);
        attend(backend, rows, layout, 0, BEFORE, rule, kv);
        attend(truth, rows, layout, 0, BEFORE, rule, trueKv);
        float[] found = attend(backend, rows, layout, BEFORE, TOKENS, rule, kv);
        float[] expected = attend(truth, rows, layout, BEFORE, TOKENS, rule, trueKv);
        assertClose(found, expected, headDim + TOKENS, 0);
        int width = layout.queryColumns();
        for (int token : LOOKED_AT) {
            float[] alone = attend(backend, rows, layout, token, token + 1, rule, kv);
            assertThat(Arrays.copyOfRange(found, (token - BEFORE) * width, (token + 1 - BEFORE) * width))
                    .as("token %d", token)
                    .isEqualTo(alone);
        }
    }

    private float[] attend(
            Backend on, float[] rows, HeadLayout layout, int from, int to, AttentionRule rule, KvLayer kv) {
        AttentionMetadata metadata = new AttentionMetadata(TOKENS, 1, 16);
        metadata.add(TABLE, from, to);
        Buffer qkv = buffer(on, Arrays.copyOfRange(rows, from * layout.columns(), to * layout.columns()));
        Buffer out = on.allocate((long) (to - from) * layout.queryColumns());
        // No row of logits: a pass of one token would be recorded with these buffers.
        on.beginStep(metadata, 0);
        on.attend(qkv, layout, metadata, 0, null, kv, rule, out);
        on.endStep();
        return all(on, out, to - from, layout.queryColumns());
    }
}

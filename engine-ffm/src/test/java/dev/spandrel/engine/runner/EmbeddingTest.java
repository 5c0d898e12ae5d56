package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.spandrel.engine.EmbeddingRequest;
import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.PendingEmbedding;
import dev.spandrel.engine.Pooling;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.PromptRules;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Vectors of texts from the bundled model. */
@Timeout(60)
class EmbeddingTest {
    private static EngineConfig.Builder config() {
        return EngineConfig.of("spandrel-tiny")
                .models(Path.of("../models"))
                .threads(Math.min(2, Runtime.getRuntime().availableProcessors()))
                .kvCacheBytes(32 << 20);
    }

    private static PendingEmbedding submit(Engine engine, int[] tokens, Pooling pooling, boolean normalized) {
        return engine.embed(new EmbeddingRequest(
                "test",
                new Prompt.Tokens(Arrays.stream(tokens).boxed().toList()),
                PromptRules.WHOLE,
                pooling,
                normalized,
                System.nanoTime(),
                null));
    }

    private static float[] embed(Engine engine, int[] tokens, Pooling pooling, boolean normalized)
            throws InterruptedException {
        try (PendingEmbedding embedding = submit(engine, tokens, pooling, normalized)) {
            return embedding.await().orElseThrow();
        }
    }

    /** A decoder's state at a place does not depend on what follows, so the mean is that of the last states of all prefixes. */
    @Test
    void theMeanIsThatOfEveryPrefixesLastState() throws Exception {
        try (Engine engine = Engine.open(config().build())) {
            int[] tokens = engine.tokenize(new Prompt.Text("Once upon a time there was a span."));
            float[] mean = embed(engine, tokens, Pooling.MEAN, false);
            double[] sum = new double[mean.length];
            for (int length = 1; length <= tokens.length; length++) {
                float[] last = embed(engine, Arrays.copyOf(tokens, length), Pooling.LAST, false);
                for (int i = 0; i < sum.length; i++) {
                    sum[i] += last[i];
                }
            }
            for (int i = 0; i < sum.length; i++) {
                assertThat(mean[i]).isCloseTo((float) (sum[i] / tokens.length), within(1e-5f));
            }
        }
    }

    @Test
    void chunksBatchesAndTheCacheChangeNothing() throws Exception {
        EngineConfig small = config().maxNumSeqs(3).maxNumBatchedTokens(16).build();
        try (Engine engine = Engine.open(config().build());
                Engine busy = Engine.open(small)) {
            List<PendingEmbedding> pending = new ArrayList<>();
            List<float[]> alone = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                int[] tokens = engine.tokenize(new Prompt.Text("A story of " + i + " squirrels. ".repeat(3 + i)));
                Pooling pooling = i % 2 == 0 ? Pooling.MEAN : Pooling.LAST;
                alone.add(embed(engine, tokens, pooling, true));
                pending.add(submit(busy, tokens, pooling, true));
            }
            for (int i = 0; i < pending.size(); i++) {
                try (PendingEmbedding embedding = pending.get(i)) {
                    assertThat(embedding.await().orElseThrow()).isEqualTo(alone.get(i));
                }
            }
        }
    }

    @Test
    void normalizedVectorsHaveLengthOne() throws Exception {
        try (Engine engine = Engine.open(config().build())) {
            float[] vector = embed(engine, new int[] {5, 6, 7}, Pooling.MEAN, true);
            double squares = 0;
            for (float value : vector) {
                squares += value * value;
            }
            assertThat(squares).isCloseTo(1, within(1e-5));
        }
    }

    @Test
    void aClosedOneFreesItsBlocksAndATooLongOneIsRefused() throws Exception {
        try (Engine engine = Engine.open(config().build())) {
            PendingEmbedding closed = submit(engine, new int[400], Pooling.MEAN, true);
            closed.close();
            closed.await();
            long deadline = System.nanoTime() + 20_000_000_000L;
            while (engine.stats().running() > 0 && System.nanoTime() < deadline) {
                Thread.onSpinWait();
            }
            assertThat(engine.stats().running()).isZero();
            assertThatThrownBy(() -> submit(engine, new int[600], Pooling.MEAN, true))
                    .isInstanceOf(EngineException.InvalidRequest.class);
        }
    }
}

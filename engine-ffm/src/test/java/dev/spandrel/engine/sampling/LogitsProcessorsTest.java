package dev.spandrel.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.spandrel.engine.Penalties;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.TokenLogprobs;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Each processor against the plain reading of vLLM's rule. */
class LogitsProcessorsTest {
    private static final float NEVER = Float.NEGATIVE_INFINITY;

    private static float[] process(LogitsProcessor processor, float[] logits, int promptLength, int... history) {
        float[] changed = logits.clone();
        processor.process(changed, changed.length, new TokenHistory(history, promptLength, history.length));
        return changed;
    }

    @Test
    void penaltiesCountOutputOnceEachAndRepetitionThePromptToo() {
        TokenPenalties penalties = new TokenPenalties(new Penalties(0.5, 0.25, 2), 4);
        float[] logits = {1, -1, 4, 3};
        // Token 0 stands in the prompt, 1 twice in the output, 2 in both, 3 nowhere.
        assertThat(process(penalties, logits, 2, 0, 2, 1, 1, 2))
                .containsExactly(0.5f, -2 - 2 * 0.25f - 0.5f, 2 - 0.25f - 0.5f, 3);
    }

    @Test
    void penaltiesSaysTheSameStepByStepAndAtOnce() {
        Random random = new Random(11);
        int vocabulary = 50;
        int[] tokens = random.ints(200, 0, vocabulary).toArray();
        Penalties values = new Penalties(1.5, -0.5, 1.3);
        TokenPenalties stepwise = new TokenPenalties(values, vocabulary);
        for (int length = 20; length <= tokens.length; length += 1 + random.nextInt(4)) {
            float[] logits = new float[vocabulary];
            for (int i = 0; i < vocabulary; i++) {
                logits[i] = random.nextFloat() * 4 - 2;
            }
            float[] plain = logits.clone();
            for (int token = 0; token < vocabulary; token++) {
                int inOutput = 0;
                boolean anywhere = false;
                for (int i = 0; i < length; i++) {
                    anywhere |= tokens[i] == token;
                    inOutput += tokens[i] == token && i >= 20 ? 1 : 0;
                }
                if (anywhere) {
                    plain[token] = plain[token] > 0 ? plain[token] / 1.3f : plain[token] * 1.3f;
                }
                plain[token] -= inOutput > 0 ? -0.5f * inOutput + 1.5f : 0;
            }
            stepwise.process(logits, vocabulary, new TokenHistory(tokens, 20, length));
            assertThat(logits).containsExactly(plain, within(1e-6f));
        }
    }

    @Test
    void biasIsAddedAndAllowedTokensAreTheOnlyOnes() {
        assertThat(process(new LogitBias(Map.of(1, 5.0, 2, -7.5)), new float[] {1, 2, 3}, 0))
                .containsExactly(1, 7, -4.5f);
        assertThat(process(new AllowedTokens(List.of(1, 3)), new float[] {1, 2, 3, 4, 5}, 0))
                .containsExactly(NEVER, 2, NEVER, 4, NEVER);
    }

    @Test
    void badWordsOfSeveralTokensMayBeginInTheOutputOnly() {
        BadWords words = new BadWords(List.of(new int[] {2}, new int[] {0, 1}));
        float[] logits = {1, 1, 1};
        assertThat(process(words, logits, 0)).containsExactly(1, 1, NEVER);
        assertThat(process(words, logits, 0, 1, 0)).containsExactly(1, NEVER, NEVER);
        assertThat(process(words, logits, 2, 1, 0)).containsExactly(1, 1, NEVER);
    }

    @Test
    void endingTokensWaitForMinTokens() {
        MinTokens processor = new MinTokens(2, new int[] {1});
        float[] logits = {1, 1};
        assertThat(process(processor, logits, 3, 0, 0, 0, 0)).containsExactly(1, NEVER);
        assertThat(process(processor, logits, 3, 0, 0, 0, 0, 0)).containsExactly(1, 1);
    }

    @Test
    void minPDropsTheUnlikely() {
        // Probabilities 0.6, 0.3, 0.1: less than half of the likeliest is dropped.
        float[] logits = {(float) Math.log(0.6), (float) Math.log(0.31), (float) Math.log(0.09)};
        SamplingParams params = SamplingParams.DEFAULT.toBuilder().minP(0.5).build();
        Sampler sampler = new Sampler(3);
        int[] counts = new int[3];
        for (int i = 0; i < 10_000; i++) {
            counts[sampler.sample(logits, 3, params, 5, i)]++;
        }
        assertThat(counts[2]).isZero();
        assertThat(counts[1] / 10_000.0).isCloseTo(0.31 / 0.91, within(0.02));
    }

    @Test
    void logprobsAreOfTheRowAndRanked() {
        float[] logits = {1, 3, 2, Float.NaN, 2};
        TokenLogprobs read = LogprobReader.read(logits, 5, 0, 2, List.of(4, 1));
        double total = Math.exp(1) + Math.exp(3) + 2 * Math.exp(2);
        assertThat(read.chosen().rank()).isEqualTo(4);
        assertThat(read.chosen().logprob()).isCloseTo(1 - Math.log(total), within(1e-6));
        assertThat(read.top()).extracting(TokenLogprobs.Entry::token).containsExactly(1, 2, 4);
        assertThat(read.top()).extracting(TokenLogprobs.Entry::rank).containsExactly(1, 2, 3);
        assertThat(read.top().getFirst().logprob()).isCloseTo(3 - Math.log(total), within(1e-6));
    }
}

package dev.spandrel.engine.grammar;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.OutputConstraint;
import dev.spandrel.engine.sampling.TokenConstraint;
import dev.spandrel.engine.sampling.TokenHistory;
import dev.spandrel.engine.tokenizer.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;

/** Outputs as a model without any sense would choose them: of the tokens that a constraint allows, any. */
final class GrammarRun {
    private final Tokenizer tokenizer;
    private final int eos;
    private final Grammars grammars;

    /** What came out. */
    record Output(String text, int tokens, boolean cutShort) {}

    /** @param eos an end-of-sequence token */
    GrammarRun(Tokenizer tokenizer, int eos) {
        this.tokenizer = tokenizer;
        this.eos = eos;
        grammars = new Grammars(tokenizer, tokenizer.vocabSize(), new int[] {eos});
    }

    Grammars grammars() {
        return grammars;
    }

    /** One output of at most {@code maxTokens}; checks that there is always something to choose. */
    Output write(OutputConstraint form, int maxTokens, Random random) {
        TokenConstraint constraint = grammars.constraint(form, maxTokens, false);
        int[] tokens = new int[maxTokens];
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        int length = 0;
        while (length < maxTokens && goesOn(constraint, new TokenHistory(tokens, 0, length))) {
            float[] logits = new float[tokenizer.vocabSize()];
            constraint.process(logits, logits.length, new TokenHistory(tokens, 0, length));
            int token = pick(logits, random);
            assertThat(token).as("a token after %s", bytes).isNotNegative();
            tokens[length++] = token;
            if (token == eos) {
                break;
            }
            bytes.writeBytes(tokenizer.bytes(token));
        }
        return new Output(bytes.toString(StandardCharsets.UTF_8), length, constraint.cutShort());
    }

    private static boolean goesOn(TokenConstraint constraint, TokenHistory history) {
        constraint.await(history);
        assertThat(constraint.failure()).isNull();
        return !constraint.complete(history);
    }

    private int pick(float[] logits, Random random) {
        int[] allowed = java.util.stream.IntStream.range(0, logits.length)
                .filter(i -> logits[i] == 0)
                .toArray();
        assertThat(Arrays.stream(allowed).filter(id -> id != eos).allMatch(id -> tokenizer.bytes(id).length > 0))
                .isTrue();
        return allowed.length == 0 ? -1 : allowed[random.nextInt(allowed.length)];
    }
}

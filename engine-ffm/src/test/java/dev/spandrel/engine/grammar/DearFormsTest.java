package dev.spandrel.engine.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.OutputConstraint;
import dev.spandrel.engine.sampling.TokenConstraint;
import dev.spandrel.engine.sampling.TokenHistory;
import dev.spandrel.engine.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Patterns made to be dear: what they cost is bounded and counted, and none of it falls to the thread that asks. */
@Timeout(120)
class DearFormsTest {
    private static final Tokenizer TINY = Tokenizer.open(Path.of("../models/spandrel-tiny"));
    private static final OutputConstraint HOSTILE =
            new OutputConstraint.Regex("((.|..|...)[^q]?){0,90}((.{1,9}|..){2,80}x?){0,90}");

    @AutoClose
    private final FormWorkers workers = new FormWorkers();

    private TokenGrammar grammar(OutputConstraint form) {
        return new TokenGrammar(
                Grammars.compile(form),
                new TokenTrie(TINY, TINY.vocabSize()),
                TINY.vocabSize(),
                new int[0],
                workers.line());
    }

    private static TokenHistory history(int... tokens) {
        return new TokenHistory(tokens, 0, tokens.length);
    }

    @Test
    void aMaskTakesNoMoreThanItsBound() {
        TokenGrammar grammar = grammar(HOSTILE);
        long before = grammar.visits();
        grammar.mask(grammar.start(), Turn.ALONE);
        // The bound is looked at before each step, and one-byte tokens are looked at in any case.
        assertThat(grammar.visits() - before)
                .isLessThan(TokenGrammar.MAX_WORK + 256L * GrammarMatcher.MAX_VISITS)
                .isGreaterThan(0);
    }

    @Test
    void theTurnIsPassedOnAfterEverySlice() throws Exception {
        Semaphore baton = new Semaphore(1, true);
        TokenGrammar grammar = grammar(HOSTILE);
        AtomicInteger turns = new AtomicInteger();
        Turn turn = new Turn(baton, () -> {
            turns.incrementAndGet();
            return false;
        });
        grammar.mask(grammar.start(), turn);
        turn.close();
        long units = grammar.visits() * Turn.VISIT;
        assertThat(turns.get())
                .isGreaterThanOrEqualTo((int) (units / (Turn.SLICE + GrammarMatcher.MAX_VISITS * Turn.VISIT)));
        assertThat(turns.get()).isPositive();
    }

    /** The asking thread is the engine's: while the work is not done, no node is visited on it. */
    @Test
    void whoAsksVisitsNothing() throws Exception {
        TokenGrammar grammar = grammar(HOSTILE);
        PreparedMask start = PreparedMask.of(grammar, grammar.start(), 0, 99, Turn.ALONE);
        TokenConstraint constraint = new GrammarConstraint(grammar, TINY, 100, start, workers);
        assertThat(constraint.ready(history())).isTrue();
        try (Turn _ = workers.turn(() -> false)) {
            long before = grammar.visits();
            int token = token("a");
            for (int i = 0; i < 100; i++) {
                assertThat(constraint.ready(history(token))).isFalse();
            }
            assertThat(grammar.visits()).isEqualTo(before);
        }
        constraint.await(history(token("a")));
        assertThat(constraint.complete(history(token("a")))).isFalse();
    }

    private static int token(String text) {
        for (int id = 0; id < TINY.vocabSize(); id++) {
            if (new String(TINY.bytes(id), java.nio.charset.StandardCharsets.UTF_8).equals(text)) {
                return id;
            }
        }
        throw new AssertionError("no token " + text);
    }

    @Test
    void whatIsAbandonedStopsAtItsNextTurn() {
        TokenGrammar grammar = grammar(HOSTILE);
        assertThatThrownBy(() -> grammar.mask(grammar.start(), new Turn(new Semaphore(1, true), () -> true)))
                .isInstanceOf(Turn.Unwanted.class);
        // And the next who wants it gets it.
        assertThat(grammar.mask(grammar.start(), Turn.ALONE).bits()).isNotEmpty();
    }

    @Test
    void oneByteThatLeadsToTooManyPlacesIsRefusedByName() {
        assertThatThrownBy(() -> {
                    TokenGrammar grammar = grammar(
                            new OutputConstraint.Regex("(" + "(a|b?c?d?){0,90}".repeat(9_000 / 16) + "){0,90}"));
                    GrammarState state = grammar.start();
                    for (int i = 0; i < 200; i++) {
                        state = grammar.step(state, new byte[] {'a'}, Turn.ALONE);
                    }
                })
                .isInstanceOf(EngineException.InvalidRequest.class)
                .hasMessageContaining("too complex")
                .hasMessageContaining(String.valueOf(GrammarMatcher.MAX_VISITS));
    }
}

package dev.spandrel.engine.grammar;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.sampling.ScoreChanges;
import dev.spandrel.engine.sampling.TokenConstraint;
import dev.spandrel.engine.sampling.TokenHistory;
import dev.spandrel.engine.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * Holds the output of one request to a grammar. The engine thread only looks up what is known; what is not is made by
 * {@link FormWorkers}, who wake it. The constraint also counts the tokens that are left, and excludes those after which too
 * few would be left to come to an end, so that an output that {@code max_tokens} ends has its form too.
 */
final class GrammarConstraint implements TokenConstraint {
    private final TokenGrammar grammar;
    private final Tokenizer tokenizer;
    private final int maxTokens;
    private final FormWorkers workers;
    private PreparedMask prepared;
    private Job job;
    private boolean cutShort;

    /** The mask after some more tokens, under way. */
    private final class Job implements Runnable {
        private final GrammarState from;
        private final List<byte[]> texts;
        private final int position;
        private final Thread waiter = Thread.currentThread();
        private volatile PreparedMask result;
        private volatile boolean unwanted;

        Job(GrammarState from, List<byte[]> texts, int position) {
            this.from = from;
            this.texts = texts;
            this.position = position;
        }

        @Override
        public void run() {
            if (unwanted) {
                return;
            }
            try (Turn turn = workers.turn(() -> unwanted)) {
                GrammarState state = from;
                for (byte[] text : texts) {
                    state = grammar.step(state, text, turn);
                }
                result = PreparedMask.of(grammar, state, position, left(position), turn);
            } catch (Turn.Unwanted e) {
                return;
            } catch (EngineException e) {
                result = new PreparedMask(position, from, null, false, e);
            } catch (RuntimeException | Error e) {
                // Whatever it is, the request must not wait for ever.
                result = new PreparedMask(
                        position,
                        from,
                        null,
                        false,
                        new EngineException.StepFailed("The form of the output could not be followed: " + e, e));
            }
            LockSupport.unpark(waiter);
        }
    }

    /**
     * @param maxTokens of the request
     * @param start before the first token
     */
    GrammarConstraint(
            TokenGrammar grammar, Tokenizer tokenizer, int maxTokens, PreparedMask start, FormWorkers workers) {
        this.grammar = grammar;
        this.tokenizer = tokenizer;
        this.maxTokens = maxTokens;
        this.prepared = start;
        this.workers = workers;
    }

    private int left(int position) {
        return maxTokens - position - 1;
    }

    @Override
    public boolean ready(TokenHistory history) {
        if (job != null) {
            if (job.result == null) {
                return false;
            }
            prepared = job.result;
            job = null;
        }
        int position = history.outputLength();
        if (prepared.failure() != null || prepared.position() == position) {
            return true;
        }
        List<byte[]> texts = new ArrayList<>(position - prepared.position());
        for (int i = prepared.position(); i < position; i++) {
            // An end-of-sequence token has no bytes and changes nothing.
            texts.add(tokenizer.bytes(history.tokens()[history.promptLength() + i]));
        }
        PreparedMask known = known(texts, position);
        if (known != null) {
            prepared = known;
            return true;
        }
        job = new Job(prepared.state(), texts, position);
        grammar.line().add(job);
        return false;
    }

    private PreparedMask known(List<byte[]> texts, int position) {
        GrammarState state = prepared.state();
        for (byte[] text : texts) {
            state = state.known(text);
            if (state == null) {
                return null;
            }
        }
        return PreparedMask.known(state, position, left(position));
    }

    @Override
    public void await(TokenHistory history) {
        while (!ready(history)) {
            LockSupport.park(this);
        }
    }

    @Override
    public void process(float[] logits, int count, TokenHistory history) {
        mask(history).apply(logits, count);
    }

    @Override
    public void note(ScoreChanges changes, TokenHistory history) {
        changes.allowOnly(mask(history).bits());
    }

    private TokenMask mask(TokenHistory history) {
        PreparedMask at = at(history);
        cutShort |= at.cutShort();
        if (at.mask() == null) {
            throw new IllegalStateException(
                    "asked for a token after " + at.position() + ", where the form is complete");
        }
        return at.mask();
    }

    @Override
    public boolean complete(TokenHistory history) {
        return at(history).state().complete();
    }

    private PreparedMask at(TokenHistory history) {
        if (prepared.position() != history.outputLength() || prepared.failure() != null) {
            throw new IllegalStateException("asked before it was ready: known after " + prepared.position()
                    + " tokens, asked after " + history.outputLength());
        }
        return prepared;
    }

    @Override
    public boolean cutShort() {
        return cutShort;
    }

    @Override
    public EngineException failure() {
        return prepared.failure();
    }

    @Override
    public void abandon() {
        if (job != null) {
            job.unwanted = true;
        }
    }
}

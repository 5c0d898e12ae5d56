package dev.spandrel.engine.grammar;

import java.util.concurrent.Semaphore;
import java.util.function.BooleanSupplier;

/**
 * The right to work on forms, which one thread at a time has: whoever worked for a slice passes it on to who has waited
 * longest. So all forms together take one processor from the model, and a dear one makes a cheap one wait for slices only.
 */
final class Turn implements AutoCloseable {
    /** Ends a piece of work that nobody waits for any more. */
    static final class Unwanted extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Unwanted() {
            super("nobody waits for it", null, false, false);
        }
    }

    /** What a visit of a grammar's node costs, in looks at a node of the vocabulary that is known already. */
    static final int VISIT = 16;

    /** Units until the turn is passed on: 20,000 visits, a few milliseconds. */
    static final long SLICE = 20_000L * VISIT;

    /** For who has nobody to give way to. */
    static final Turn ALONE = new Turn(null, () -> false);

    private final Semaphore baton;
    private final BooleanSupplier unwanted;
    private long spent;

    /**
     * Waits for the turn.
     *
     * @param baton fair, of one permit; null for none
     * @param unwanted asked whenever the turn is passed on
     */
    Turn(Semaphore baton, BooleanSupplier unwanted) {
        this.baton = baton;
        this.unwanted = unwanted;
        take();
    }

    private void take() {
        if (baton != null) {
            baton.acquireUninterruptibly();
        }
    }

    /**
     * Notes work that was done, and lets others work when it was enough.
     *
     * @throws Unwanted when nobody waits for it any more
     */
    void spend(long units) {
        if (baton == null) {
            return;
        }
        spent += units;
        if (spent < SLICE) {
            return;
        }
        spent = 0;
        close();
        take();
        if (unwanted.getAsBoolean()) {
            throw new Unwanted();
        }
    }

    @Override
    public void close() {
        if (baton != null) {
            baton.release();
        }
    }
}

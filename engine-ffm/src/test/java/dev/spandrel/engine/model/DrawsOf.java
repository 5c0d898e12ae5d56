package dev.spandrel.engine.model;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.Draws;
import dev.spandrel.engine.tensor.Buffer;

/** Greedy draws of a token for each of some sequences, for benches. */
final class DrawsOf {
    private final Backend backend;
    private final int columns;
    private final int batch;
    private final Draws draws;
    private final int[] drawn;

    DrawsOf(Backend backend, int columns, int batch) {
        this.backend = backend;
        this.columns = columns;
        this.batch = batch;
        draws = new Draws(batch);
        drawn = new int[batch];
    }

    /** Draws from the logits of a pass; {@link #read} waits for it. */
    void start(Buffer logits) {
        draws.clear();
        for (int s = 0; s < batch; s++) {
            draws.add(s, 0, 0, 1, 0);
        }
        backend.draw(logits, columns, draws);
    }

    void read() {
        backend.readDrawn(drawn);
    }

    /** The token last read for a sequence. */
    int drawn(int sequence) {
        return drawn[sequence];
    }
}

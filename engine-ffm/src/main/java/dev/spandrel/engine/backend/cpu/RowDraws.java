package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.SPECIES;

import dev.spandrel.engine.backend.Draws;
import dev.spandrel.engine.sampling.Sampler;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Draws a token from each of some rows of logits, where they lie; a task is one row. */
final class RowDraws implements Workers.Task {
    /** One per worker, once it has a row that is not greedy. */
    private final Sampler[] samplers;

    private float[] logits;
    private int columns;
    private Draws draws;
    private int[] tokens;

    RowDraws(int workers) {
        samplers = new Sampler[workers];
    }

    /** Notes what is to be drawn. */
    void begin(float[] from, int width, Draws wanted) {
        logits = from;
        columns = width;
        draws = wanted;
    }

    int count() {
        return draws.count();
    }

    int columns() {
        return columns;
    }

    /** @param into takes the tokens, −1 where the largest logit is no finite number */
    RowDraws into(int[] into) {
        tokens = into;
        return this;
    }

    @Override
    public void run(int draw, int worker) {
        int at = draws.row(draw) * columns;
        int best = argmax(logits, at, columns);
        boolean greedy = draws.inverseTemperature(draw) == 0;
        if (best == Sampler.NOT_A_NUMBER || greedy) {
            tokens[draw] = best;
            return;
        }
        if (samplers[worker] == null) {
            samplers[worker] = new Sampler(columns);
        }
        tokens[draw] = samplers[worker].draw(
                logits,
                at,
                columns,
                best,
                draws.inverseTemperature(draw),
                draws.minP(draw),
                draws.topK(draw),
                draws.topP(draw),
                draws.uniform(draw));
    }

    /** The first of the largest, as {@link Sampler#argmax}; −1 where that is no finite number. */
    static int argmax(float[] x, int at, int count) {
        FloatVector most = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
        int i = 0;
        for (; i + LANES <= count; i += LANES) {
            FloatVector v = FloatVector.fromArray(SPECIES, x, at + i);
            // Not max(), by which one NaN would be the largest.
            most = most.blend(v, v.compare(VectorOperators.GT, most));
        }
        float largest = most.reduceLanes(VectorOperators.MAX);
        for (; i < count; i++) {
            largest = x[at + i] > largest ? x[at + i] : largest;
        }
        if (!Float.isFinite(largest)) {
            return Sampler.NOT_A_NUMBER;
        }
        for (i = 0; i + LANES <= count; i += LANES) {
            var equal = FloatVector.fromArray(SPECIES, x, at + i).compare(VectorOperators.EQ, largest);
            if (equal.anyTrue()) {
                return i + equal.firstTrue();
            }
        }
        while (x[at + i] != largest) {
            i++;
        }
        return i;
    }
}

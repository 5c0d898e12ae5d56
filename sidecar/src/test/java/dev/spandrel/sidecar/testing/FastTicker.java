package dev.spandrel.sidecar.testing;

import dev.spandrel.sidecar.time.Ticker;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;

/** A clock that runs many times as fast as the real one; waiting on it takes as much less. */
public record FastTicker(int factor, long startNanos) implements Ticker {
    public FastTicker(int factor) {
        this(factor, System.nanoTime());
    }

    @Override
    public long nanoTime() {
        return (System.nanoTime() - startNanos) * factor;
    }

    @Override
    public long epochMillis() {
        return 1_700_000_000_000L + TimeUnit.NANOSECONDS.toMillis(nanoTime());
    }

    @Override
    public void await(Condition condition, long nanos) throws InterruptedException {
        condition.await(Math.max(1, nanos / factor), TimeUnit.NANOSECONDS);
    }
}

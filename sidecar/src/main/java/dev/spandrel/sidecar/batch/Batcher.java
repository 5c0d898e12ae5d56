package dev.spandrel.sidecar.batch;

import dev.spandrel.sidecar.journal.JournalReader;
import dev.spandrel.sidecar.journal.JournalRecord;
import dev.spandrel.sidecar.otlp.EncodedRequest;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Forms batches behind the journal by concatenation, bounded in bytes and in age. A record larger than the bound makes a
 * batch of its own; profiles always do. Several workers may share one: a caller that waits for a batch holds the others
 * back, so batches come in journal order.
 */
public final class Batcher {
    private final Signal signal;
    private final JournalReader reader;
    private final int maxBytes;
    private final long maxAgeNanos;
    private final Ticker ticker;
    private JournalRecord heldOver;
    private volatile boolean flushing;

    public Batcher(Signal signal, JournalReader reader, int maxBytes, Duration maxAge, Ticker ticker) {
        this.signal = signal;
        this.reader = reader;
        this.maxBytes = maxBytes;
        this.maxAgeNanos = maxAge.toNanos();
        this.ticker = ticker;
    }

    /** The next batch, waiting up to {@code idleNanos} for its first record; empty where none came. */
    public synchronized Optional<Batch> next(long idleNanos) throws InterruptedException {
        Optional<JournalRecord> first = Optional.ofNullable(heldOver);
        heldOver = null;
        if (first.isEmpty()) {
            first = reader.next(flushing ? 0 : idleNanos);
        }
        return first.isEmpty() ? Optional.empty() : Optional.of(fill(first.get()));
    }

    private Batch fill(JournalRecord first) throws InterruptedException {
        List<byte[]> parts = new ArrayList<>();
        parts.add(first.body());
        long bytes = first.body().length;
        int items = first.items();
        long last = first.sequence();
        long deadline = ticker.nanoTime() + maxAgeNanos;
        boolean waiting = true;
        while (signal.mergeable() && bytes < maxBytes) {
            Optional<JournalRecord> next = reader.next(0);
            if (next.isEmpty()) {
                long left = flushing ? 0 : deadline - ticker.nanoTime();
                if (!waiting || left <= 0) {
                    break;
                }
                waiting = reader.awaitBytes(maxBytes - bytes, left);
                continue;
            }
            if (bytes + next.get().body().length > maxBytes) {
                heldOver = next.get();
                break;
            }
            parts.add(next.get().body());
            bytes += next.get().body().length;
            items += next.get().items();
            last = next.get().sequence();
        }
        return new Batch(first.sequence(), last, first.epochMillis(), new EncodedRequest(signal, parts, items));
    }

    /** From now on nothing is waited for: what is there goes out. */
    public void flush() {
        flushing = true;
    }
}

package dev.spandrel.sidecar.delivery;

import dev.spandrel.sidecar.batch.Batch;
import dev.spandrel.sidecar.batch.Batcher;
import dev.spandrel.sidecar.exporter.SendResult;
import dev.spandrel.sidecar.journal.JournalReader;
import dev.spandrel.sidecar.journal.Quarantine;
import dev.spandrel.sidecar.otlp.EncodedRequest;
import dev.spandrel.sidecar.otlp.PartialSuccess;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One destination for one signal. Its workers take batches in journal order and see each to its end; with one worker
 * the backend gets them in order. A lane never drops: it delivers, puts aside, or waits.
 */
public final class Lane implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Lane.class.getName());
    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final Duration LAST_WAIT = Duration.ofSeconds(2);
    private static final Duration READ_AGAIN = Duration.ofSeconds(1);
    private static final long LOG_EVERY_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final LaneContext context;
    private final JournalReader reader;
    private final Batcher batcher;
    private final Pause pause;
    private final Optional<ExportSpans> spans;
    private final AtomicLong acceptances = new AtomicLong();
    private final AtomicLong failedSends = new AtomicLong();
    private final List<Thread> workers = new ArrayList<>();
    private final Deque<Batch> probed = new ArrayDeque<>();
    private volatile boolean draining;
    private boolean failing;
    private long lastLogNanos;
    private volatile long lastSuccessEpochMillis;

    public Lane(LaneContext context, JournalReader reader, Batcher batcher) {
        this(context, reader, batcher, Optional.empty());
    }

    /** With spans of its own deliveries, where they are given. */
    public Lane(LaneContext context, JournalReader reader, Batcher batcher, Optional<ExportSpans> spans) {
        this.spans = spans;
        this.context = context;
        this.reader = reader;
        this.batcher = batcher;
        this.pause = new Pause(context.ticker());
    }

    /** Starts the workers; more than one gives up the order of batches for throughput. */
    public void start(int concurrency) {
        for (int i = 0; i < concurrency; i++) {
            workers.add(Thread.ofVirtual()
                    .name("lane-" + context.destination() + "-"
                            + context.signal().word())
                    .start(this::work));
        }
    }

    private void work() {
        try {
            while (!pause.stopped() && workOnce()) {
                // each round is one batch, or a second without one
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            // a programming error: nothing is lost, the journal keeps what was not settled
            LOG.log(Level.ERROR, "a worker of " + this + " ended; restart the sidecar to go on", e);
        }
    }

    /** False when the lane is being drained and nothing is left. */
    private boolean workOnce() throws InterruptedException {
        try {
            Optional<Batch> batch = next(IDLE_NANOS);
            if (batch.isPresent()) {
                deliverOrKeep(batch.get());
            }
            return batch.isPresent() || !draining;
        } catch (UncheckedIOException e) {
            LOG.log(Level.ERROR, "{0}: {1}; trying again", this, e.getCause());
            pause(READ_AGAIN);
            return true;
        }
    }

    /** Nothing that goes wrong here may cost a batch: it is tried again, as long as this process lives. */
    private void deliverOrKeep(Batch batch) throws InterruptedException {
        try {
            deliver(batch);
        } catch (RuntimeException | OutOfMemoryError e) {
            LOG.log(Level.ERROR, this + ": a batch could not be handled; trying again", e);
            synchronized (probed) {
                probed.addFirst(batch);
            }
            pause(READ_AGAIN);
        }
    }

    private Optional<Batch> next(long idleNanos) throws InterruptedException {
        synchronized (probed) {
            if (!probed.isEmpty()) {
                return Optional.of(probed.poll());
            }
        }
        return batcher.next(idleNanos);
    }

    private void deliver(Batch batch) throws InterruptedException {
        long start = context.ticker().nanoTime();
        long failedBefore = failedSends.get();
        if (new BatchDelivery(context, this, batch).run()) {
            reader.settle(batch.first(), batch.last(), batch.request().items());
            spans.ifPresent(own -> own.settled(context, batch, start, failedSends.get() - failedBefore));
        }
    }

    /**
     * Sends a batch behind the one in hand, once, to learn whether the destination accepts anything. True where it did;
     * else the batch waits its turn.
     */
    boolean probeLater() throws InterruptedException {
        Optional<Batch> later = next(0);
        if (later.isEmpty()) {
            return false;
        }
        EncodedRequest request = later.get().request();
        if (request.size() <= context.maxBytes()
                && context.exporter().send(request) instanceof SendResult.Delivered(PartialSuccess partial)) {
            accepted(request, partial);
            reader.settle(later.get().first(), later.get().last(), request.items());
            return true;
        }
        synchronized (probed) {
            probed.addFirst(later.get());
        }
        return false;
    }

    void accepted(EncodedRequest piece, PartialSuccess partial) {
        long rejected = Math.min(partial.rejectedItems(), piece.items());
        if (rejected < piece.items() || piece.items() == 0) {
            acceptances.incrementAndGet();
        }
        lastSuccessEpochMillis = context.ticker().epochMillis();
        recovered();
        if (rejected > 0) {
            keepCopy(piece, partial);
        } else if (!partial.message().isEmpty()) {
            LOG.log(Level.WARNING, "{0} took everything, with a warning: {1}", this, partial.message());
        }
        context.ledger().answered(piece.items() - rejected, rejected);
    }

    private void keepCopy(EncodedRequest piece, PartialSuccess partial) {
        String reason = "partial success, " + partial.rejectedItems() + " rejected: " + partial.message();
        boolean kept = context.quarantine()
                .put(new Quarantine.Piece(
                        context.destination(),
                        context.signal(),
                        context.ticker().epochMillis(),
                        piece.items(),
                        reason,
                        true,
                        piece.toByteArray()));
        LOG.log(Level.WARNING, "{0}: {1}{2}", this, reason, kept ? "" : " (the quarantine is full: no copy kept)");
    }

    void quarantined(EncodedRequest piece, String reason) {
        context.ledger().quarantined(piece.items());
        LOG.log(
                Level.WARNING,
                "{0} refused {1} {2}, put into the quarantine: {3}",
                this,
                piece.items(),
                context.signal().items(),
                reason);
    }

    synchronized void failed(String reason, boolean loud) {
        failedSends.incrementAndGet();
        long now = context.ticker().nanoTime();
        if (!failing || now - lastLogNanos > LOG_EVERY_NANOS) {
            LOG.log(
                    loud ? Level.ERROR : Level.WARNING,
                    "{0} does not take telemetry, which is kept: {1}",
                    this,
                    reason);
            lastLogNanos = now;
        }
        failing = true;
    }

    private synchronized void recovered() {
        if (failing) {
            LOG.log(Level.INFO, "{0} takes telemetry again", this);
        }
        failing = false;
    }

    void pause(Duration wait) throws InterruptedException {
        pause.of(wait);
    }

    boolean stopped() {
        return pause.stopped();
    }

    /** How often the destination has accepted something. */
    long acceptances() {
        return acceptances.get();
    }

    /** Tries that did not end in a delivery. */
    public long failedSends() {
        return failedSends.get();
    }

    /** When the destination last accepted something, in milliseconds since 1970; 0 for never. */
    public long lastSuccessEpochMillis() {
        return lastSuccessEpochMillis;
    }

    public LaneContext context() {
        return context;
    }

    /** Sends what is left without waiting for more. Returns at once. */
    public void drain() {
        draining = true;
        batcher.flush();
    }

    /** Waits until everything was sent or the time is over; what is left stays in the journal. */
    public boolean awaitDrained(Duration limit) throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        boolean done = true;
        for (Thread worker : workers) {
            long left = deadline - System.nanoTime();
            done &= worker.join(Duration.ofNanos(Math.max(left, 1)));
        }
        return done;
    }

    /** Stops at once, mid-request if need be, and makes its place safe. Closing twice is harmless. */
    @Override
    public void close() {
        pause.stop();
        batcher.flush();
        context.exporter().close();
        try {
            awaitDrained(LAST_WAIT);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        reader.close();
    }

    @Override
    public String toString() {
        return context.destination() + "/" + context.signal().word();
    }
}

package dev.spandrel.sidecar.delivery;

import dev.spandrel.sidecar.batch.Batch;
import dev.spandrel.sidecar.batch.Splitter;
import dev.spandrel.sidecar.exporter.SendResult;
import dev.spandrel.sidecar.journal.Quarantine;
import dev.spandrel.sidecar.otlp.EncodedRequest;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/**
 * One batch on its way, until every item of it is delivered, rejected or quarantined. A refusal about the destination
 * sends the same bytes again, for ever; one about the data halves the piece. A single item that is still refused is only
 * put aside once the destination has accepted something else since: a backend that refuses everything is not believed.
 */
final class BatchDelivery {
    /** Below this size "too large" cannot be meant, so it is overload: wait. */
    private static final int OVERLOAD_BYTES = 64 << 10;

    /**
     * Refusals without one acceptance after which a batch is held. Halving reaches a single item of a 4 MiB batch in
     * about 16 refusals; four times that leaves room for a few bad neighbours before a later batch is asked.
     */
    private static final int PATIENCE = 64;

    /** A refused single item; sure where the destination was accepting other things when it refused this one. */
    private record Suspect(EncodedRequest piece, String reason, boolean sure) {}

    private final LaneContext context;
    private final Lane lane;
    /** What has not been looked at yet, made as it is needed; what has, and goes first, is in {@link #pieces}. */
    private final Iterator<EncodedRequest> fresh;

    private final Deque<EncodedRequest> pieces = new ArrayDeque<>();
    private final List<Suspect> suspects = new ArrayList<>();
    private long acceptancesBefore;
    private int refusals;
    private int failures;
    private boolean held;

    BatchDelivery(LaneContext context, Lane lane, Batch batch) {
        this.context = context;
        this.lane = lane;
        fresh = Splitter.pieces(batch.request(), context.maxBytes());
        acceptancesBefore = lane.acceptances();
    }

    /** Returns true when all is settled, false when the lane was stopped before. */
    boolean run() throws InterruptedException {
        while (hasMore() || !suspects.isEmpty()) {
            if (lane.stopped()) {
                return false;
            }
            if (!suspects.isEmpty() && believed() && putSuspectsAside()) {
                continue;
            }
            if (!hasMore() || !believed() && refusals >= (held ? 1 : PATIENCE)) {
                hold();
            } else {
                step(pieces.isEmpty() ? fresh.next() : pieces.poll());
            }
        }
        return true;
    }

    private boolean hasMore() {
        return !pieces.isEmpty() || fresh.hasNext();
    }

    private boolean believed() {
        return lane.acceptances() > acceptancesBefore;
    }

    private void step(EncodedRequest piece) throws InterruptedException {
        switch (context.exporter().send(piece)) {
            case SendResult.Delivered delivered -> {
                failures = 0;
                lane.accepted(piece, delivered.partial());
            }
            case SendResult.Retryable retryable -> retry(piece, retryable);
            case SendResult.Permanent permanent -> refused(piece, permanent);
        }
    }

    private void retry(EncodedRequest piece, SendResult.Retryable retryable) throws InterruptedException {
        pieces.push(piece);
        if (retryable.maybeDelivered()) {
            context.ledger().duplicatesPossible(piece.items());
        }
        backOff(retryable.reason(), retryable.atLeast(), retryable.loud());
    }

    private void refused(EncodedRequest piece, SendResult.Permanent permanent) throws InterruptedException {
        refusals++;
        if (permanent.tooLarge() && piece.size() < OVERLOAD_BYTES) {
            pieces.push(piece);
            backOff(permanent.reason(), Duration.ZERO, false);
            return;
        }
        Optional<Splitter.Halves> halves = Splitter.halve(piece);
        if (halves.isPresent()) {
            pieces.push(halves.get().right());
            pieces.push(halves.get().left());
        } else {
            suspects.add(new Suspect(piece, permanent.reason(), believed()));
        }
    }

    private boolean putSuspectsAside() {
        for (Suspect suspect : List.copyOf(suspects)) {
            EncodedRequest piece = suspect.piece();
            if (!suspect.sure()) {
                // refused while everything was: that said nothing about this piece, so it is asked for once more
                suspects.remove(suspect);
                pieces.push(piece);
                continue;
            }
            boolean kept = context.quarantine()
                    .put(new Quarantine.Piece(
                            context.destination(),
                            context.signal(),
                            context.ticker().epochMillis(),
                            piece.items(),
                            suspect.reason(),
                            false,
                            piece.toByteArray()));
            if (!kept) {
                return false;
            }
            suspects.remove(suspect);
            lane.quarantined(piece, suspect.reason());
        }
        return true;
    }

    /** Nothing of this batch was accepted: ask a later one, and if that is refused too, wait and begin again. */
    private void hold() throws InterruptedException {
        if (!believed() && lane.probeLater()) {
            return;
        }
        String reason = suspects.isEmpty()
                ? "every piece was refused"
                : suspects.getFirst().reason();
        backOff(believed() ? "the quarantine is full; held: " + reason : "held: " + reason, Duration.ZERO, true);
        for (int i = suspects.size() - 1; i >= 0; i--) {
            pieces.push(suspects.get(i).piece());
        }
        suspects.clear();
        refusals = 0;
        held = true;
    }

    private void backOff(String reason, Duration atLeast, boolean loud) throws InterruptedException {
        failures++;
        lane.failed(reason, loud);
        lane.pause(context.retryPolicy().delay(failures, atLeast));
    }
}

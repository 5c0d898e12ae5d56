package dev.spandrel.sidecar.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.spandrel.sidecar.batch.Batcher;
import dev.spandrel.sidecar.exporter.Exporter;
import dev.spandrel.sidecar.exporter.RetryPolicy;
import dev.spandrel.sidecar.exporter.SendResult;
import dev.spandrel.sidecar.journal.DiskJournal;
import dev.spandrel.sidecar.journal.DiskStorage;
import dev.spandrel.sidecar.journal.Journal;
import dev.spandrel.sidecar.journal.JournalBudget;
import dev.spandrel.sidecar.journal.JournalException;
import dev.spandrel.sidecar.journal.JournalReader;
import dev.spandrel.sidecar.journal.JournalSettings;
import dev.spandrel.sidecar.journal.MemoryQuarantine;
import dev.spandrel.sidecar.journal.Quarantine;
import dev.spandrel.sidecar.journal.Sync;
import dev.spandrel.sidecar.metrics.Ledger;
import dev.spandrel.sidecar.otlp.EncodedRequest;
import dev.spandrel.sidecar.otlp.PartialSuccess;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.testing.Eventually;
import dev.spandrel.sidecar.testing.FastTicker;
import dev.spandrel.sidecar.testing.Telemetry;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A lane over a journal on disk, on a clock four thousand times too fast, against backends with every kind of temper. */
@Timeout(120)
class LaneTest {
    private static final long MOST_GROWTH_BYTES = 16 << 20;

    @TempDir
    private Path folder;

    private final FastTicker ticker = new FastTicker(4000);
    private final Ledger ledger = new Ledger();
    private final List<Long> taken = Collections.synchronizedList(new ArrayList<>());
    private final AtomicInteger sends = new AtomicInteger();
    private MemoryQuarantine quarantine = new MemoryQuarantine(1 << 20);
    private Journal journal;
    private Lane lane;

    @AfterEach
    void close() {
        lane.close();
        journal.close();
    }

    private void open(long maxBytes, Function<List<Long>, SendResult> backend) throws IOException {
        journal = DiskJournal.open(
                DiskStorage.open(folder),
                Signal.TRACES,
                new JournalBudget(maxBytes),
                new JournalSettings(Sync.NONE, Duration.ZERO, Math.clamp(maxBytes / 32, 4096, 16 << 20)),
                ticker,
                new Random(1));
        JournalReader reader = journal.reader("d", ledger);
        LaneContext context = new LaneContext(
                "d",
                Signal.TRACES,
                new ScriptedExporter(backend),
                quarantine,
                ledger,
                new RetryPolicy(Duration.ofMillis(500), Duration.ofSeconds(30), new Random(1)),
                4_000_000,
                ticker);
        lane = new Lane(context, reader, new Batcher(Signal.TRACES, reader, 4_000_000, Duration.ofMillis(200), ticker));
        lane.start(1);
    }

    private final class ScriptedExporter implements Exporter {
        private final Function<List<Long>, SendResult> backend;

        ScriptedExporter(Function<List<Long>, SendResult> backend) {
            this.backend = backend;
        }

        @Override
        public SendResult send(EncodedRequest request) {
            try {
                sends.incrementAndGet();
                List<Long> numbers = Telemetry.numbers(ExportTraceServiceRequest.parseFrom(request.toByteArray()));
                SendResult result = backend.apply(numbers);
                if (result instanceof SendResult.Delivered) {
                    taken.addAll(numbers);
                }
                return result;
            } catch (InvalidProtocolBufferException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void close() {
            // nothing is open
        }
    }

    private static SendResult ok() {
        return new SendResult.Delivered(PartialSuccess.NONE);
    }

    private static SendResult down() {
        return new SendResult.Retryable("down", Duration.ZERO, false, false);
    }

    private static SendResult bad() {
        return new SendResult.Permanent("bad data", false);
    }

    private void append(long first, int count) throws Exception {
        journal.append(Telemetry.spans(first, count).toByteArray(), count).get();
    }

    private void awaitSettled() {
        Eventually.that(() -> ledger.snapshot().queued() == 0 && journal.items() == 0, ledger::snapshot);
        assertThat(ledger.snapshot().balanced()).isTrue();
    }

    private static List<Long> numbers(long from, long to) {
        return LongStream.range(from, to).boxed().toList();
    }

    @Test
    void onePoisonedSpanAmongAHundredThousandIsPutAsideAlone() throws Exception {
        open(64 << 20, numbers -> numbers.contains(31_415L) ? bad() : ok());
        for (int i = 0; i < 1000; i++) {
            append(i * 100L, 100);
        }
        awaitSettled();
        assertThat(ledger.snapshot().delivered()).isEqualTo(99_999);
        assertThat(ledger.snapshot().quarantined()).isEqualTo(1);
        assertThat(taken).doesNotHaveDuplicates().doesNotContain(31_415L).hasSize(99_999);
        Quarantine.Piece piece = quarantine.pieces().getFirst();
        assertThat(Telemetry.numbers(ExportTraceServiceRequest.parseFrom(piece.body())))
                .containsExactly(31_415L);
        assertThat(piece.reason()).isEqualTo("bad data");
    }

    @Test
    void aBackendThatRefusesEverythingIsNotBelieved() throws Exception {
        AtomicBoolean mended = new AtomicBoolean();
        open(64 << 20, _ -> mended.get() ? ok() : bad());
        for (int i = 0; i < 20; i++) {
            append(i * 100L, 100);
        }
        Eventually.that(() -> lane.failedSends() >= 5, lane::failedSends);
        assertThat(ledger.snapshot().quarantined()).isZero();
        assertThat(ledger.snapshot().queued()).isEqualTo(2000);
        // halving a batch of 2000 to the end would take thousands of requests; patience ends after 64
        assertThat(sends.longValue()).isLessThan(64 + 10 * lane.failedSends() + 64);
        mended.set(true);
        awaitSettled();
        assertThat(ledger.snapshot().delivered()).isEqualTo(2000);
        assertThat(Set.copyOf(taken)).hasSize(2000);
    }

    @Test
    void aSinglePoisonedSpanIsHeldUntilALaterBatchIsAccepted() throws Exception {
        open(64 << 20, numbers -> numbers.contains(7L) ? bad() : ok());
        append(7, 1);
        Eventually.that(() -> lane.failedSends() >= 3, lane::failedSends);
        assertThat(ledger.snapshot().quarantined()).isZero();
        append(8, 1);
        awaitSettled();
        assertThat(ledger.snapshot().quarantined()).isEqualTo(1);
        assertThat(taken).containsExactly(8L);
    }

    @Test
    void aFullQuarantineHoldsTheLane() throws Exception {
        quarantine = new MemoryQuarantine(10);
        open(64 << 20, numbers -> numbers.contains(7L) ? bad() : ok());
        append(0, 20);
        Eventually.that(() -> lane.failedSends() >= 3, lane::failedSends);
        assertThat(ledger.snapshot().delivered()).isEqualTo(19);
        assertThat(ledger.snapshot().queued()).isEqualTo(1);
    }

    @Test
    void whatIsTooLargeIsHalvedAndBelow64KiBItIsOverload() throws Exception {
        AtomicInteger overloads = new AtomicInteger(4);
        open(64 << 20, numbers -> {
            boolean small = numbers.size() <= 400;
            boolean refuse = !small || overloads.getAndDecrement() > 0;
            return refuse ? new SendResult.Permanent("RESOURCE_EXHAUSTED", true) : ok();
        });
        append(0, 3000);
        awaitSettled();
        assertThat(ledger.snapshot().delivered()).isEqualTo(3000);
        assertThat(taken).isEqualTo(numbers(0, 3000));
        assertThat(lane.failedSends()).isPositive();
    }

    @Test
    void partialSuccessIsCountedKeptAsACopyAndNotSentAgain() throws Exception {
        open(64 << 20, _ -> new SendResult.Delivered(new PartialSuccess(3, "odd")));
        append(0, 10);
        awaitSettled();
        assertThat(ledger.snapshot().rejected()).isEqualTo(3);
        assertThat(ledger.snapshot().delivered()).isEqualTo(7);
        assertThat(ledger.snapshot().quarantined()).isZero();
        assertThat(sends.get()).isEqualTo(1);
        assertThat(quarantine.pieces())
                .singleElement()
                .satisfies(piece -> assertThat(piece.copy()).isTrue());
    }

    private static long heapBytes() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    @Test
    void sixHoursWithoutABackendLoseNothingAndKeepTheOrderInFlatMemory() throws Exception {
        AtomicBoolean up = new AtomicBoolean();
        AtomicLong inOrder = new AtomicLong();
        AtomicLong highest = new AtomicLong();
        open(1 << 30, numbers -> {
            if (!up.get()) {
                return down();
            }
            // every fourth batch, or the test would be collecting garbage all the time
            if (sends.get() % 4 == 0) {
                highest.accumulateAndGet(heapBytes(), Math::max);
            }
            for (long number : numbers) {
                inOrder.compareAndSet(number, number + 1);
            }
            // not for the list of what was taken, which would be the only thing that grows
            taken.clear();
            return ok();
        });
        int requests = 21_600;
        long warm = 0;
        long before = ticker.nanoTime();
        for (int i = 0; i < requests; i++) {
            if (i == requests / 20) {
                warm = heapBytes();
            }
            append(i * 100L, 100);
        }
        while (Duration.ofNanos(ticker.nanoTime() - before).toHours() < 6) {
            lane.pause(Duration.ofMinutes(1));
        }
        assertThat(ledger.snapshot().queued()).isEqualTo(requests * 100L);
        assertThat(journal.bytes()).isGreaterThan(350_000_000);
        assertThat(heapBytes() - warm)
                .as("growth while the backlog grew by 95 %")
                .isLessThan(MOST_GROWTH_BYTES);
        up.set(true);
        awaitSettled();
        assertThat(ledger.snapshot().delivered()).isEqualTo(requests * 100L);
        assertThat(inOrder.get()).as("each span once, in order").isEqualTo(requests * 100L);
        // a batch of 4 MB and what the test makes of it are on their way
        assertThat(highest.get() - warm).as("growth while it goes out").isBetween(-warm, 64L << 20);
        assertThat(heapBytes() - warm).as("growth when all is over").isLessThan(MOST_GROWTH_BYTES);
        assertThat(journal.bytes()).isLessThan(40_000_000);
    }

    @Test
    void whatWasAcknowledgedBeforeTheBoundIsDeliveredLater() throws Exception {
        AtomicBoolean up = new AtomicBoolean();
        open(2 << 20, _ -> up.get() ? ok() : down());
        long kept = 0;
        boolean full = false;
        while (!full) {
            try {
                append(kept, 100);
                kept += 100;
            } catch (ExecutionException e) {
                assertThat(e.getCause()).isInstanceOf(JournalException.class);
                full = true;
            }
        }
        assertThat(kept).isGreaterThan(1000);
        up.set(true);
        awaitSettled();
        assertThat(taken).isEqualTo(numbers(0, kept));
    }
}

package dev.spandrel.sidecar.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.sidecar.metrics.Ledger;
import dev.spandrel.sidecar.testing.Eventually;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What every journal promises. */
@Timeout(120)
abstract class JournalContract {
    static final long SOON = TimeUnit.SECONDS.toNanos(10);

    abstract Journal open(long maxBytes) throws IOException;

    static byte[] body(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String text(JournalRecord record) {
        return new String(record.body(), StandardCharsets.UTF_8);
    }

    @Test
    void recordsComeInOrderToEveryReader() throws Exception {
        try (Journal journal = open(1 << 20)) {
            Ledger one = new Ledger();
            Ledger two = new Ledger();
            JournalReader first = journal.reader("one", one);
            JournalReader second = journal.reader("two", two);
            for (int i = 0; i < 100; i++) {
                journal.append(body("record " + i), 2).get();
            }
            for (int i = 0; i < 100; i++) {
                assertThat(text(first.next(SOON).orElseThrow())).isEqualTo("record " + i);
            }
            for (int i = 0; i < 50; i++) {
                assertThat(text(second.next(SOON).orElseThrow())).isEqualTo("record " + i);
            }
            assertThat(first.next(0)).isEmpty();
            assertThat(one.snapshot().received()).isEqualTo(200);
            assertThat(two.snapshot().queued()).isEqualTo(200);
            assertThat(journal.items()).isEqualTo(200);
            first.close();
            second.close();
        }
    }

    @Test
    void whatIsSettledByAllMakesRoom() throws Exception {
        try (Journal journal = open(300_000)) {
            JournalReader reader = journal.reader("one", new Ledger());
            for (int i = 0; i < 200; i++) {
                journal.append(new byte[10_000], 1).get();
                JournalRecord record = reader.next(SOON).orElseThrow();
                reader.settle(record.sequence(), record.sequence(), 1);
            }
            assertThat(journal.items()).isZero();
            assertThat(journal.bytes()).isLessThan(150_000);
            reader.close();
        }
    }

    @Test
    void fullIsSaidWithADelayAndEndsWhenRoomIsMade() throws Exception {
        try (Journal journal = open(200_000)) {
            JournalReader reader = journal.reader("one", new Ledger());
            List<CompletableFuture<Void>> kept = new ArrayList<>();
            CompletableFuture<Void> last = journal.append(new byte[10_000], 1);
            while (!last.isCompletedExceptionally()) {
                last.get();
                kept.add(last);
                last = journal.append(new byte[10_000], 1);
            }
            CompletableFuture<Void> refused = last;
            assertThatThrownBy(refused::get)
                    .isInstanceOf(ExecutionException.class)
                    .cause()
                    .isInstanceOfSatisfying(
                            JournalException.class,
                            e -> assertThat(e.retryDelay()).isPositive());
            assertThat(kept).hasSizeGreaterThan(10);
            for (int i = 0; i < kept.size(); i++) {
                JournalRecord record = reader.next(SOON).orElseThrow();
                reader.settle(record.sequence(), record.sequence(), 1);
            }
            Eventually.that(() -> !journal.append(new byte[10_000], 1).isCompletedExceptionally(), journal::bytes);
            reader.close();
        }
    }

    @Test
    void theLargestBodyIsKeptAndNoLargerOne() throws Exception {
        try (Journal journal = open(200_000)) {
            int largest = Math.toIntExact(journal.largestBody());
            assertThat(journal.append(new byte[largest + 1], 1)).isCompletedExceptionally();
            journal.append(new byte[largest], 1).get();
            assertThat(journal.bytes()).isEqualTo(journal.capacity());
        }
    }

    @Test
    void settlingOutOfOrderMovesOverTheGaplessPartOnly() throws Exception {
        try (Journal journal = open(1 << 20)) {
            JournalReader reader = journal.reader("one", new Ledger());
            List<JournalRecord> records = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                journal.append(body("record " + i), 1).get();
                records.add(reader.next(SOON).orElseThrow());
            }
            for (int i : new int[] {4, 2, 0, 1, 3}) {
                reader.settle(records.get(i).sequence(), records.get(i).sequence(), 1);
            }
            assertThat(journal.items()).isZero();
            reader.close();
        }
    }

    @Test
    void aReaderWaitsAndAClosedJournalLetsItGo() throws Exception {
        Journal journal = open(1 << 20);
        JournalReader reader = journal.reader("one", new Ledger());
        CompletableFuture<Object> waiting = new CompletableFuture<>();
        Thread.startVirtualThread(() -> {
            try {
                waiting.complete(text(reader.next(SOON).orElseThrow()));
                waiting.get();
            } catch (InterruptedException | ExecutionException e) {
                waiting.completeExceptionally(e);
            }
        });
        journal.append(body("at last"), 1).get();
        assertThat(waiting.get(10, TimeUnit.SECONDS)).isEqualTo("at last");
        journal.close();
        assertThat(reader.next(SOON)).isEmpty();
        assertThatThrownBy(() -> journal.append(body("too late"), 1).get()).hasMessageContaining("stopping");
        reader.close();
    }
}

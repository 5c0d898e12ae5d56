package dev.spandrel.sidecar.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.sidecar.metrics.Ledger;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.time.Ticker;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What was acknowledged survives a power cut at any moment, on a disk that keeps nothing that was not forced.
 * {@code -Dpowercut.seed} replays a run, {@code -Dpowercut.rounds} lengthens it.
 */
@Timeout(120)
class PowerCutTest {
    private static final long SEED = Long.getLong("powercut.seed", System.nanoTime());
    private static final int ROUNDS = Integer.getInteger("powercut.rounds", 200);

    private final Random random = new Random(SEED);
    private final PowerCutStorage disk = new PowerCutStorage(random);
    private final Set<Long> acknowledged = new TreeSet<>();
    private final Set<Long> delivered = new HashSet<>();
    private long next;
    private long duplicates;

    private DiskJournal open(Sync sync) throws IOException {
        return DiskJournal.open(
                disk,
                Signal.TRACES,
                new JournalBudget(64 << 20),
                new JournalSettings(sync, Duration.ZERO, 16 << 10),
                Ticker.SYSTEM,
                new Random(random.nextLong()));
    }

    private byte[] body(long number) {
        byte[] body = new byte[Long.BYTES + random.nextInt(3000)];
        random.nextBytes(body);
        ByteBuffer.wrap(body).putLong(number);
        return body;
    }

    private void deliver(JournalReader reader, int most) throws InterruptedException {
        for (int i = 0; i < most; i++) {
            Optional<JournalRecord> record = reader.next(0);
            if (record.isEmpty()) {
                return;
            }
            if (!delivered.add(ByteBuffer.wrap(record.get().body()).getLong())) {
                duplicates++;
            }
            reader.settle(record.get().sequence(), record.get().sequence(), 1);
        }
    }

    private void appendUntilPowerFails(Journal journal, JournalReader reader) throws Exception {
        List<Long> waitingNumbers = new ArrayList<>();
        List<CompletableFuture<Void>> waiting = new ArrayList<>();
        int cutAfter = random.nextInt(60);
        for (int i = 0; i < cutAfter; i++) {
            long number = next++;
            waitingNumbers.add(number);
            waiting.add(journal.append(body(number), 1));
            if (random.nextInt(4) == 0) {
                waiting.getLast().get();
                deliver(reader, random.nextInt(20));
            }
        }
        disk.powerOff();
        for (int i = 0; i < waiting.size(); i++) {
            try {
                waiting.get(i).get();
                acknowledged.add(waitingNumbers.get(i));
            } catch (ExecutionException e) {
                assertThat(e.getCause()).isInstanceOf(JournalException.class);
            }
        }
    }

    private void cycles(Sync sync) throws Exception {
        System.out.println("powercut.seed=" + SEED);
        for (int round = 0; round < ROUNDS; round++) {
            DiskJournal journal = open(sync);
            JournalReader reader = journal.reader("d", new Ledger());
            deliver(reader, random.nextInt(100));
            appendUntilPowerFails(journal, reader);
            journal.close();
            disk.powerOn();
        }
        DiskJournal journal = open(sync);
        JournalReader reader = journal.reader("d", new Ledger());
        deliver(reader, Integer.MAX_VALUE);
        journal.close();
        Set<Long> lost = new TreeSet<>(acknowledged);
        lost.removeAll(delivered);
        System.out.printf(
                "%s: %d rounds, %d acknowledged, %d delivered, %d duplicates, %d lost%n",
                sync, ROUNDS, acknowledged.size(), delivered.size(), duplicates, lost.size());
        assertThat(acknowledged).as("seed %d", SEED).hasSizeGreaterThan(ROUNDS);
        if (sync == Sync.NONE) {
            assertThat(lost).as("a disk that loses nothing proves nothing").isNotEmpty();
        } else {
            assertThat(lost).as("seed %d", SEED).isEmpty();
        }
    }

    @Test
    void nothingAcknowledgedIsLostWithGroupForces() throws Exception {
        cycles(Sync.GROUP);
    }

    @Test
    void nothingAcknowledgedIsLostWithSingleForces() throws Exception {
        cycles(Sync.EACH);
    }

    @Test
    void withoutForcesTheSameDiskDoesLose() throws Exception {
        cycles(Sync.NONE);
    }

    @Test
    void aForceThatFailsFailsEveryWaitingRequestAndClosesTheSegment() throws Exception {
        DiskJournal journal = open(Sync.GROUP);
        JournalReader reader = journal.reader("d", new Ledger());
        journal.append(body(1), 1).get();
        long segmentsBefore = segments();
        disk.failForces(1);
        assertThatThrownBy(() -> journal.append(body(2), 1).get())
                .cause()
                .isInstanceOf(JournalException.class)
                .hasMessageContaining("force failed");
        assertThat(journal.writable()).isFalse();
        journal.append(body(3), 1).get();
        assertThat(journal.writable()).isTrue();
        assertThat(segments()).isGreaterThan(segmentsBefore);
        deliver(reader, Integer.MAX_VALUE);
        assertThat(delivered).containsExactlyInAnyOrder(1L, 3L);
        assertThat(journal.items()).isZero();
        journal.close();
    }

    private long segments() throws IOException {
        return disk.names().stream().filter(name -> name.endsWith(".segment")).count();
    }
}

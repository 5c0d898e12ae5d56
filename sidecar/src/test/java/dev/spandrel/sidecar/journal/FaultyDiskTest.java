package dev.spandrel.sidecar.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.sidecar.metrics.Ledger;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.time.Ticker;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A disk that is full, read-only or broken: senders are asked to wait, and it is used again when it can be. */
@Timeout(60)
class FaultyDiskTest {
    private static final int BEFORE = 20;

    @TempDir
    private Path folder;

    private DiskJournal open(Storage storage) throws Exception {
        return DiskJournal.open(
                storage,
                Signal.TRACES,
                new JournalBudget(16 << 20),
                new JournalSettings(Sync.GROUP, Duration.ZERO, 1 << 20),
                Ticker.SYSTEM,
                new Random(1));
    }

    private static byte[] body(int i) {
        return ("record " + i + " " + "x".repeat(500)).getBytes(StandardCharsets.UTF_8);
    }

    private static List<String> read(JournalReader reader) throws InterruptedException {
        List<String> found = new ArrayList<>();
        for (Optional<JournalRecord> next = reader.next(0); next.isPresent(); next = reader.next(0)) {
            found.add(new String(next.get().body(), StandardCharsets.UTF_8));
        }
        return found;
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void sendersWaitWhileTheDiskTakesNothingAndNothingAcknowledgedIsLost(FaultyStorage.Fault fault) throws Exception {
        FaultyStorage disk = new FaultyStorage(DiskStorage.open(folder));
        List<String> acknowledged = new ArrayList<>();
        try (DiskJournal journal = open(disk)) {
            JournalReader reader = journal.reader("d", new Ledger());
            for (int i = 0; i < BEFORE; i++) {
                journal.append(body(i), 1).get();
                acknowledged.add(new String(body(i), StandardCharsets.UTF_8));
            }
            long bytes = journal.bytes();
            disk.fault(fault);
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(() -> journal.append(body(-1), 1).get())
                        .isInstanceOf(ExecutionException.class)
                        .hasCauseInstanceOf(JournalException.class)
                        .hasMessageContaining("cannot be written")
                        .satisfies(e -> assertThat(((JournalException) e.getCause()).retryDelay())
                                .isPositive());
                assertThat(journal.writable()).isFalse();
            }
            assertThat(journal.bytes()).as("what failed takes no room").isEqualTo(bytes);
            disk.fault(FaultyStorage.Fault.NONE);
            for (int i = BEFORE; i < 2 * BEFORE; i++) {
                journal.append(body(i), 1).get();
                acknowledged.add(new String(body(i), StandardCharsets.UTF_8));
            }
            assertThat(journal.writable()).isTrue();
            assertThat(read(reader)).isEqualTo(acknowledged);
            reader.close();
        }
        try (DiskJournal journal = open(DiskStorage.open(folder));
                JournalReader reader = journal.reader("d", new Ledger())) {
            // A record whose force failed may be there all the same: its sender was told to send it again.
            List<String> found = read(reader);
            found.removeIf(record -> record.startsWith("record -1"));
            assertThat(found).isEqualTo(acknowledged);
        }
    }
}

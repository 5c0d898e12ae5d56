package dev.spandrel.sidecar.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.sidecar.metrics.Ledger;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.time.Ticker;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskJournalTest extends JournalContract {
    private static final JournalSettings SETTINGS = new JournalSettings(Sync.GROUP, Duration.ZERO, 32 << 10);

    @TempDir
    private Path folder;

    @Override
    Journal open(long maxBytes) throws IOException {
        return DiskJournal.open(
                DiskStorage.open(folder),
                Signal.TRACES,
                new JournalBudget(maxBytes),
                SETTINGS,
                Ticker.SYSTEM,
                new Random(1));
    }

    private void fill(int from, int to) throws Exception {
        try (Journal journal = open(16 << 20)) {
            JournalReader reader = journal.reader("d", new Ledger());
            for (int i = from; i < to; i++) {
                journal.append(body(record(i)), 1).get();
            }
            reader.close();
        }
    }

    private static String record(int i) {
        return "record " + i + " " + "x".repeat(i % 700);
    }

    private List<String> drain(Journal journal, JournalReader reader, boolean settle) throws Exception {
        List<String> read = new ArrayList<>();
        for (Optional<JournalRecord> record = reader.next(0); record.isPresent(); record = reader.next(0)) {
            read.add(text(record.get()));
            if (settle) {
                reader.settle(record.get().sequence(), record.get().sequence(), 1);
            }
        }
        return read;
    }

    private List<Path> segments() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".segment"))
                    .sorted()
                    .toList();
        }
    }

    private static List<String> records(int from, int to) {
        return IntStream.range(from, to).mapToObj(DiskJournalTest::record).toList();
    }

    @Test
    void everythingIsThereAfterARestartAndOnlyTheUnsettledAfterTheNext() throws Exception {
        fill(0, 500);
        assertThat(segments()).hasSizeGreaterThan(3);
        try (Journal journal = open(16 << 20)) {
            Ledger ledger = new Ledger();
            JournalReader reader = journal.reader("d", ledger);
            assertThat(ledger.snapshot().received()).isEqualTo(500);
            for (int i = 0; i < 200; i++) {
                JournalRecord record = reader.next(SOON).orElseThrow();
                reader.settle(record.sequence(), record.sequence(), 1);
            }
            reader.close();
        }
        try (Journal journal = open(16 << 20)) {
            Ledger ledger = new Ledger();
            JournalReader reader = journal.reader("d", ledger);
            assertThat(ledger.snapshot().received()).isEqualTo(300);
            assertThat(drain(journal, reader, true)).isEqualTo(records(200, 500));
            assertThat(journal.items()).isZero();
            reader.close();
        }
    }

    @Test
    void numbersGoOnAfterEverythingWasDeliveredAndDeleted() throws Exception {
        fill(0, 50);
        for (int round = 0; round < 3; round++) {
            try (Journal journal = open(16 << 20)) {
                JournalReader reader = journal.reader("d", new Ledger());
                drain(journal, reader, true);
                journal.append(body("after"), 1).get();
                assertThat(drain(journal, reader, true)).containsExactly("after");
                reader.close();
            }
        }
    }

    @Test
    void aNewDestinationGetsWhatIsStillThere() throws Exception {
        fill(0, 10);
        try (Journal journal = open(16 << 20)) {
            JournalReader late = journal.reader("late", new Ledger());
            assertThat(drain(journal, late, false)).isEqualTo(records(0, 10));
            late.close();
        }
    }

    @Test
    void aTornTailIsSteppedOver() throws Exception {
        fill(0, 20);
        Path last = segments().getLast();
        try (RandomAccessFile file = new RandomAccessFile(last.toFile(), "rw")) {
            file.setLength(file.length() - 5);
        }
        try (Journal journal = open(16 << 20)) {
            JournalReader reader = journal.reader("d", new Ledger());
            assertThat(journal.damages()).isEqualTo(1);
            journal.append(body("after"), 1).get();
            List<String> expected = new ArrayList<>(records(0, 19));
            expected.add("after");
            assertThat(drain(journal, reader, true)).isEqualTo(expected);
            reader.close();
        }
    }

    @Test
    void aFlippedByteAnywhereCostsAtMostTheRecordItIsIn() throws Exception {
        fill(0, 6);
        Path segment = segments().getFirst();
        byte[] intact = Files.readAllBytes(segment);
        for (int at = 0; at < intact.length; at++) {
            byte[] damaged = intact.clone();
            damaged[at] ^= 0x55;
            Files.write(segment, damaged);
            Files.deleteIfExists(folder.resolve("d.checkpoint"));
            try (Journal journal = open(16 << 20)) {
                Ledger ledger = new Ledger();
                JournalReader reader = journal.reader("d", ledger);
                List<String> read = drain(journal, reader, false);
                assertThat(read).as("byte %d", at).hasSize(5);
                assertThat(records(0, 6)).containsAll(read);
                assertThat(journal.damages()).isEqualTo(1);
                assertThat(ledger.snapshot().received()).isEqualTo(5);
                reader.close();
            }
        }
    }

    @Test
    void aBodyThatHoldsACopyOfTheJournalIsNotReadAsRecords() throws Exception {
        fill(0, 5);
        byte[] copy = Files.readAllBytes(segments().getFirst());
        try (Journal journal = DiskJournal.open(
                DiskStorage.open(folder.resolve("other")),
                Signal.TRACES,
                new JournalBudget(1 << 20),
                SETTINGS,
                Ticker.SYSTEM,
                new Random(2))) {
            journal.append(copy, 1).get();
            journal.append(body("behind"), 1).get();
        }
        Path other = folder.resolve("other");
        Path segment;
        try (Stream<Path> files = Files.list(other)) {
            segment = files.findFirst().orElseThrow();
        }
        byte[] bytes = Files.readAllBytes(segment);
        bytes[0] ^= 1;
        Files.write(segment, bytes);
        try (Journal journal = DiskJournal.open(
                DiskStorage.open(other),
                Signal.TRACES,
                new JournalBudget(1 << 20),
                SETTINGS,
                Ticker.SYSTEM,
                new Random(3))) {
            JournalReader reader = journal.reader("d", new Ledger());
            assertThat(drain(journal, reader, false)).containsExactly("behind");
            reader.close();
        }
    }

    @Test
    void garbageInTheFolderDoesNotStopTheStart() throws Exception {
        fill(0, 3);
        Files.write(folder.resolve("00000000000000000002-0123456789abcdef.segment"), new byte[5000]);
        Files.writeString(folder.resolve("notes.txt"), "hello");
        Files.write(folder.resolve("d.checkpoint"), new byte[] {1, 2, 3});
        try (Journal journal = open(16 << 20)) {
            JournalReader reader = journal.reader("d", new Ledger());
            assertThat(drain(journal, reader, true)).isEqualTo(records(0, 3));
            reader.close();
        }
    }

    @Test
    void anEmptySegmentLeftByACrashDoesNotShareItsNumberWithTheNext() throws Exception {
        fill(0, 3);
        Files.createFile(folder.resolve("00000000000000000004-0123456789abcdef.segment"));
        fill(3, 6);
        fill(6, 9);
        assertThat(segments().stream()
                        .map(file -> file.getFileName().toString().substring(0, 20))
                        .distinct())
                .hasSameSizeAs(segments());
        try (Journal journal = open(16 << 20)) {
            JournalReader reader = journal.reader("d", new Ledger());
            assertThat(drain(journal, reader, true)).isEqualTo(records(0, 9));
            reader.close();
        }
    }

    @Test
    void theSecondProcessIsToldTheFirstOnesPid() throws Exception {
        JournalLock lock = JournalLock.take(folder);
        assertThatThrownBy(() -> JournalLock.take(folder))
                .isInstanceOf(JournalLock.HeldException.class)
                .hasMessageContaining("process " + ProcessHandle.current().pid());
        lock.close();
        JournalLock.take(folder).close();
    }

    @Test
    void theNamesOfNewFoldersAreMadeSafeFromTheOutside() throws Exception {
        List<Path> forced = new ArrayList<>();
        Path deep = folder.resolve("a/b/c");
        DiskStorage.create(deep, forced::add);
        assertThat(deep).isDirectory();
        assertThat(forced).containsExactly(folder, folder.resolve("a"), folder.resolve("a/b"));
        forced.clear();
        DiskStorage.create(deep, forced::add);
        assertThat(forced).isEmpty();
    }
}

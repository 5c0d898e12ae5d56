package dev.spandrel.sidecar;

import dev.spandrel.sidecar.journal.DiskJournal;
import dev.spandrel.sidecar.journal.DiskQuarantine;
import dev.spandrel.sidecar.journal.DiskStorage;
import dev.spandrel.sidecar.journal.Journal;
import dev.spandrel.sidecar.journal.JournalBudget;
import dev.spandrel.sidecar.journal.JournalLock;
import dev.spandrel.sidecar.journal.MemoryJournal;
import dev.spandrel.sidecar.journal.MemoryQuarantine;
import dev.spandrel.sidecar.journal.Overflow;
import dev.spandrel.sidecar.journal.Quarantine;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.time.Ticker;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/**
 * Every journal and the quarantine, opened as configured: on disk for signals that have a destination, in memory for the
 * others and where no folder is wanted.
 */
record Journals(Optional<JournalLock> lock, Map<Signal, Journal> bySignal, Quarantine quarantine)
        implements AutoCloseable {
    static final String QUARANTINE_FOLDER = "quarantine";

    static Journals open(SidecarConfig config, Ticker ticker) throws StartException {
        JournalBudget budget = new JournalBudget(config.journalMaxBytes());
        boolean onDisk =
                config.journalFolder().isPresent() && !config.destinations().isEmpty();
        return onDisk ? onDisk(config, budget, ticker) : inMemory(config, budget, ticker);
    }

    private static Journals inMemory(SidecarConfig config, JournalBudget budget, Ticker ticker) {
        Map<Signal, Journal> journals = new EnumMap<>(Signal.class);
        for (Signal signal : Signal.values()) {
            journals.put(signal, memory(config, signal, budget, ticker));
        }
        return new Journals(Optional.empty(), journals, new MemoryQuarantine(config.quarantineMaxBytes()));
    }

    private static Journal memory(SidecarConfig config, Signal signal, JournalBudget budget, Ticker ticker) {
        Overflow overflow = config.delivers(signal) ? Overflow.REFUSE : Overflow.EVICT_OLDEST;
        return new MemoryJournal(signal, budget, overflow, ticker);
    }

    private static Journals onDisk(SidecarConfig config, JournalBudget budget, Ticker ticker) throws StartException {
        Path folder = config.journalFolder().orElseThrow();
        JournalLock lock = lock(folder);
        try {
            // what is kept without a destination stays out of the way of what is kept with one
            JournalBudget keptBudget = new JournalBudget(
                    Math.min(config.journalMaxBytes(), Runtime.getRuntime().maxMemory() / 4));
            Map<Signal, Journal> journals = new EnumMap<>(Signal.class);
            for (Signal signal : Signal.values()) {
                journals.put(
                        signal,
                        config.delivers(signal)
                                ? disk(config, folder, signal, budget, ticker)
                                : memory(config, signal, keptBudget, ticker));
            }
            DiskStorage quarantine = DiskStorage.open(folder.resolve(QUARANTINE_FOLDER));
            return new Journals(
                    Optional.of(lock),
                    journals,
                    DiskQuarantine.open(quarantine, config.quarantineMaxBytes(), new Random()));
        } catch (IOException e) {
            lock.close();
            throw cannotUse(folder, e);
        }
    }

    private static Journal disk(SidecarConfig config, Path folder, Signal signal, JournalBudget budget, Ticker ticker)
            throws IOException {
        return DiskJournal.open(
                DiskStorage.open(folder.resolve(signal.word())),
                signal,
                budget,
                config.journalSettings(),
                ticker,
                new Random());
    }

    static JournalLock lock(Path folder) throws StartException {
        try {
            DiskStorage.open(folder);
            return JournalLock.take(folder);
        } catch (JournalLock.HeldException e) {
            throw new StartException(StartException.UNAVAILABLE, e.getMessage());
        } catch (IOException e) {
            throw cannotUse(folder, e);
        }
    }

    private static StartException cannotUse(Path folder, IOException e) {
        return new StartException(
                StartException.UNAVAILABLE,
                "the journal folder %s cannot be used: %s (--journal-dir names another, --journal-dir memory none)"
                        .formatted(folder, e));
    }

    /** Whether telemetry can be kept. */
    boolean writable() {
        return bySignal.values().stream().allMatch(Journal::writable);
    }

    /** Takes nothing more and makes safe what was taken; the quarantine and the lock stay until {@link #close}. */
    void stopTaking() {
        bySignal.values().forEach(Journal::close);
    }

    @Override
    public void close() {
        stopTaking();
        quarantine.close();
        lock.ifPresent(JournalLock::close);
    }
}

package dev.spandrel.sidecar;

import dev.spandrel.sidecar.journal.DiskJournal;
import dev.spandrel.sidecar.journal.DiskQuarantine;
import dev.spandrel.sidecar.journal.DiskStorage;
import dev.spandrel.sidecar.journal.Journal;
import dev.spandrel.sidecar.journal.JournalBudget;
import dev.spandrel.sidecar.journal.JournalLock;
import dev.spandrel.sidecar.journal.JournalSettings;
import dev.spandrel.sidecar.journal.Quarantine;
import dev.spandrel.sidecar.journal.Sync;
import dev.spandrel.sidecar.time.Ticker;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/**
 * Lists and replays what backends refused. A replay puts the pieces back into the journal, durably, before it removes
 * them from the quarantine, so an interruption can double a piece but not lose it.
 */
@Command(
        name = "quarantine",
        mixinStandardHelpOptions = true,
        description = "Lists or replays telemetry that a backend refused.")
final class QuarantineCommand {
    private static final long REPLAY_SEGMENT_BYTES = 16 << 20;

    @Option(
            names = "--journal-dir",
            paramLabel = "DIR",
            description =
                    "Folder of the journal ($XDG_STATE_HOME/spandrel/sidecar or ~/.local/state/spandrel/sidecar).",
            scope = ScopeType.INHERIT)
    private String journalDir;

    private final PrintStream out;

    QuarantineCommand(PrintStream out) {
        this.out = out;
    }

    @Command(name = "list", description = "Shows every piece: number, time, destination, signal, items, reason.")
    int list() {
        try {
            Path folder = folder().resolve(Journals.QUARANTINE_FOLDER);
            List<DiskQuarantine.Entry> entries =
                    Files.isDirectory(folder) ? open(folder).entries() : List.of();
            entries.forEach(entry -> out.println(line(entry)));
            out.println(entries.size() == 1 ? "1 piece" : entries.size() + " pieces");
            return 0;
        } catch (IOException e) {
            return failed(e.toString());
        }
    }

    @Command(
            name = "replay",
            description =
                    "Puts every refused piece back into the journal of a stopped sidecar, to be sent again when it"
                            + " starts. Copies of partially accepted requests stay: the specification forbids sending them again.")
    int replay() throws InterruptedException {
        Path folder = folder();
        try (JournalLock _ = Journals.lock(folder)) {
            DiskQuarantine quarantine = open(folder.resolve(Journals.QUARANTINE_FOLDER));
            List<Quarantine.Piece> pieces = quarantine.entries().stream()
                    .map(DiskQuarantine.Entry::piece)
                    .toList();
            List<Quarantine.Piece> refused =
                    pieces.stream().filter(piece -> !piece.copy()).toList();
            for (Quarantine.Piece piece : refused) {
                putBack(folder, piece);
            }
            quarantine.keepOnly(pieces.stream().filter(Quarantine.Piece::copy).toList());
            out.println("put back " + refused.size() + " pieces; they are sent when the sidecar starts");
            return 0;
        } catch (StartException e) {
            return failed(e.getMessage() + "; stop it first");
        } catch (IOException | ExecutionException e) {
            return failed(e.toString());
        }
    }

    private static void putBack(Path folder, Quarantine.Piece piece)
            throws IOException, ExecutionException, InterruptedException {
        JournalSettings settings = new JournalSettings(Sync.GROUP, Duration.ZERO, REPLAY_SEGMENT_BYTES);
        try (Journal journal = DiskJournal.open(
                DiskStorage.open(folder.resolve(piece.signal().word())),
                piece.signal(),
                new JournalBudget(Long.MAX_VALUE),
                settings,
                Ticker.SYSTEM,
                new Random())) {
            journal.append(piece.body(), piece.items()).get();
        }
    }

    private static DiskQuarantine open(Path folder) throws IOException {
        return DiskQuarantine.open(DiskStorage.open(folder), Long.MAX_VALUE, new Random());
    }

    private static String line(DiskQuarantine.Entry entry) {
        Quarantine.Piece piece = entry.piece();
        return "%d  %s  %s  %s  %d %s  %d bytes  %s%s"
                .formatted(
                        entry.number(),
                        Instant.ofEpochMilli(piece.epochMillis()),
                        piece.destination(),
                        piece.signal().word(),
                        piece.items(),
                        piece.signal().items(),
                        piece.body().length,
                        piece.copy() ? "(copy) " : "",
                        piece.reason().replaceAll("\\p{Cntrl}", " "));
    }

    private Path folder() {
        return Options.journalFolder(journalDir, System.getenv())
                .orElseThrow(() -> new IllegalArgumentException("a journal in memory has no quarantine to look at"));
    }

    private static int failed(String message) {
        System.err.println("spandrel-sidecar: " + message);
        return StartException.UNAVAILABLE;
    }
}

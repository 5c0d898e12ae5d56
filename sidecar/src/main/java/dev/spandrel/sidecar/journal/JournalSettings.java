package dev.spandrel.sidecar.journal;

import java.time.Duration;

/**
 * How a {@link DiskJournal} writes.
 *
 * @param syncWindow how long a force waits for company; zero forces as soon as the one before is done
 * @param segmentBytes size at which a segment is closed; space comes back in these pieces
 */
public record JournalSettings(Sync sync, Duration syncWindow, long segmentBytes) {
    /** A longer window would show in the sender's latency and bring nothing: a force takes under a millisecond. */
    private static final Duration LONGEST_WINDOW = Duration.ofMillis(5);

    public JournalSettings {
        if (syncWindow.isNegative() || syncWindow.compareTo(LONGEST_WINDOW) > 0) {
            throw new IllegalArgumentException(
                    "journal sync window is %s ms, expected 0 to 5".formatted(syncWindow.toMillis()));
        }
        if (segmentBytes <= 0) {
            throw new IllegalArgumentException(
                    "segment size is %d, expected a positive number".formatted(segmentBytes));
        }
    }
}

package dev.spandrel.engine.hub;

import java.io.PrintStream;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * How far a download is: a bar that is drawn over on a terminal, a line every few seconds elsewhere. Told from several
 * threads.
 */
final class Progress {
    private static final long BETWEEN_DRAWINGS = 100_000_000L;
    private static final long BETWEEN_LINES = 5_000_000_000L;
    private static final int BAR = 30;

    private final String what;
    private final long total;
    private final int files;
    private final PrintStream out;
    private final boolean terminal;
    private final LongSupplier nanoClock;
    private final AtomicLong done = new AtomicLong();
    private final AtomicLong filesDone = new AtomicLong();
    private final AtomicLong shownAt;

    /**
     * @param files in all
     * @param total bytes in all
     */
    Progress(String what, int files, long total, PrintStream out, boolean terminal, LongSupplier nanoClock) {
        this.what = what;
        this.total = total;
        this.files = files;
        this.out = out;
        this.terminal = terminal;
        this.nanoClock = nanoClock;
        shownAt = new AtomicLong(nanoClock.getAsLong());
    }

    /** Some bytes more; negative when they must come again. */
    void add(long bytes) {
        done.addAndGet(bytes);
        long now = nanoClock.getAsLong();
        long shown = shownAt.get();
        if (now - shown >= (terminal ? BETWEEN_DRAWINGS : BETWEEN_LINES) && shownAt.compareAndSet(shown, now)) {
            show();
        }
    }

    /** One file is whole. */
    void fileDone() {
        filesDone.incrementAndGet();
    }

    /** The last drawing, so that a terminal shows the end and its cursor is on a new line. */
    void finish() {
        if (terminal) {
            show();
            out.println();
        }
    }

    private void show() {
        long percent = total == 0 ? 100 : Math.min(100, 100 * done.get() / total);
        String numbers = String.format(
                Locale.ROOT, "%3d %% of %.1f MB, %d of %d files", percent, total / 1e6, filesDone.get(), files);
        if (terminal) {
            int filled = (int) (BAR * percent / 100);
            out.print("\r" + what + " [" + "#".repeat(filled) + " ".repeat(BAR - filled) + "] " + numbers);
            out.flush();
        } else {
            out.println("fetching " + what + ": " + numbers.strip());
        }
    }
}

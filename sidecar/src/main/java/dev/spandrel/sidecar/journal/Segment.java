package dev.spandrel.sidecar.journal;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One file of records. Its name holds the first sequence it may have and the salt of its checksums, so nothing in the
 * file itself has to be intact for the rest to be read. Guarded by the journal's lock.
 */
final class Segment {
    private static final Pattern NAME = Pattern.compile("([0-9]{20})-([0-9a-f]{16})\\.segment");

    private final long base;
    private final long salt;
    private long lastSequence;
    private long items;
    private long readable;
    private boolean closed;
    private boolean recovered;

    Segment(long base, long salt) {
        this.base = base;
        this.salt = salt;
        this.lastSequence = base - 1;
    }

    /** The segment a file name stands for. */
    static Optional<Segment> named(String name) {
        Matcher matcher = NAME.matcher(name);
        return matcher.matches()
                ? Optional.of(
                        new Segment(Long.parseLong(matcher.group(1)), Long.parseUnsignedLong(matcher.group(2), 16)))
                : Optional.empty();
    }

    String name() {
        return String.format(Locale.ROOT, "%020d-%016x.segment", base, salt);
    }

    long base() {
        return base;
    }

    long salt() {
        return salt;
    }

    /** The last record in it; one less than the base while there is none. */
    long lastSequence() {
        return lastSequence;
    }

    long items() {
        return items;
    }

    /** Bytes that may be read: for an open segment only what has been made safe. */
    long readable() {
        return readable;
    }

    /** Whether nothing will be added. */
    boolean closed() {
        return closed;
    }

    void close() {
        closed = true;
    }

    /** Found at start, when its missing headers were counted already. */
    void recovered(long sequence, long foundItems, long size) {
        publish(sequence, foundItems, size);
        closed = true;
        recovered = true;
    }

    boolean recovered() {
        return recovered;
    }

    /** Records up to a sequence and a size are there to be read. */
    void publish(long sequence, long moreItems, long size) {
        lastSequence = sequence;
        items += moreItems;
        readable = size;
    }
}

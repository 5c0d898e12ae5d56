package dev.spandrel.sidecar.journal;

import java.util.Map;
import java.util.TreeMap;

/** Turns settlements in any order into one number: everything up to it is settled. Not thread-safe. */
final class Watermark {
    private final TreeMap<Long, Long> ahead = new TreeMap<>();
    private long settled;

    Watermark(long settled) {
        this.settled = settled;
    }

    /** Notes that the adjoining records first..last are settled. */
    void settle(long first, long last) {
        ahead.put(first, last);
        Map.Entry<Long, Long> next = ahead.firstEntry();
        while (next != null && next.getKey() <= settled + 1) {
            settled = Math.max(settled, next.getValue());
            ahead.pollFirstEntry();
            next = ahead.firstEntry();
        }
    }

    /** The last record of the gapless settled part. */
    long settled() {
        return settled;
    }
}

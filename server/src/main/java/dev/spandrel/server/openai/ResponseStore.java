package dev.spandrel.server.openai;

import dev.spandrel.engine.ChatMessage;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * The answers of {@code /v1/responses} that clients may come back for. In memory, for an hour, and no more than fit: the oldest
 * make room. Thread-safe.
 */
final class ResponseStore {
    private static final int MAX_ENTRIES = 4096;
    private static final long MAX_BYTES = 64L << 20;
    private static final long KEPT_NANOS = Duration.ofHours(1).toNanos();

    private final LongSupplier nanoClock;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private long bytes;

    /**
     * An answer.
     *
     * @param body the response object as JSON
     * @param conversation everything said so far, the answer included
     * @param run its generation while it goes on in the background, else null
     */
    record Stored(byte[] body, List<ChatMessage> conversation, Runnable run) {
        long size() {
            long size = body.length;
            for (ChatMessage message : conversation) {
                int copies = message.parts().isEmpty() ? 2 : 4;
                size += 100
                        + 100L * message.parts().size()
                        + (long) copies * message.content().length();
            }
            return size;
        }
    }

    private record Entry(Stored stored, long nanos) {}

    /** @param nanoClock a monotonic clock */
    ResponseStore(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
    }

    /** Keeps an answer, or a newer state of it. */
    synchronized void put(String id, Stored stored) {
        Entry before = entries.remove(id);
        bytes -= before == null ? 0 : before.stored.size();
        entries.put(id, new Entry(stored, nanoClock.getAsLong()));
        bytes += stored.size();
        Iterator<Entry> oldest = entries.values().iterator();
        while (oldest.hasNext() && (entries.size() > MAX_ENTRIES || bytes > MAX_BYTES)) {
            bytes -= oldest.next().stored.size();
            oldest.remove();
        }
    }

    /** An answer that is still there. */
    synchronized Optional<Stored> get(String id) {
        Entry entry = entries.get(id);
        if (entry != null && nanoClock.getAsLong() - entry.nanos > KEPT_NANOS) {
            entries.remove(id);
            bytes -= entry.stored.size();
            return Optional.empty();
        }
        return Optional.ofNullable(entry).map(Entry::stored);
    }
}

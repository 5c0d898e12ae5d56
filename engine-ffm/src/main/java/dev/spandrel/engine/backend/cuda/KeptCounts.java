package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.cuda.CudaMemory;
import dev.spandrel.engine.cuda.DeviceMemoryPool;
import dev.spandrel.engine.sampling.ScoreChanges;
import dev.spandrel.engine.sampling.TokenCounts;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Copies of requests' token counts on the device, each a stretch of entries (token, count). A draw sends what came since the last
 * one, mostly one token; a request that was not in the last draw, or has outgrown its stretch, is sent anew. Stretches are taken
 * one behind the other, and when there is no more, all begins from the front: the truth is with the requests.
 */
final class KeptCounts {
    /** Place, token, count. */
    static final int UPDATE_BYTES = 12;

    private static final int ENTRY_BYTES = 8;

    private final CudaMemory memory;
    private final int entries;
    private final Map<TokenCounts, Stretch> stretches = new IdentityHashMap<>();
    private int used;
    private long draw;

    private static final class Stretch {
        private final int at;
        private final int room;
        /** Tokens of the request that the copy knows of. */
        private int counted;

        private long lastDraw;

        Stretch(int at, int room) {
            this.at = at;
            this.room = room;
        }
    }

    /** @param entries room for as many as {@link ScoreChanges#fits} allows */
    KeptCounts(DeviceMemoryPool pool, int entries) {
        this.entries = entries;
        memory = pool.take((long) ENTRY_BYTES * entries);
    }

    CudaMemory memory() {
        return memory;
    }

    /**
     * Gives each row's counts a stretch.
     *
     * @return updates that all rows together need
     */
    int place(ScoreChanges changes) {
        draw++;
        if (!placeAll(changes)) {
            forget();
            if (!placeAll(changes)) {
                throw new IllegalStateException("counts of a draw need more than " + entries + " entries");
            }
        }
        stretches.values().removeIf(stretch -> stretch.lastDraw != draw);
        int updates = 0;
        for (int row = 0; row < changes.rows(); row++) {
            updates += changes.counts(row) == null ? 0 : updates(changes.counts(row));
        }
        return updates;
    }

    private boolean placeAll(ScoreChanges changes) {
        for (int row = 0; row < changes.rows(); row++) {
            TokenCounts counts = changes.counts(row);
            if (counts == null) {
                continue;
            }
            Stretch stretch = stretches.get(counts);
            if (stretch == null || stretch.room < counts.size()) {
                int room = counts.room();
                if (room > entries - used) {
                    return false;
                }
                stretch = new Stretch(used, room);
                stretches.put(counts, stretch);
                used += room;
            }
            stretch.lastDraw = draw;
        }
        return true;
    }

    /** Entries of a placed row that the copy lacks. */
    int updates(TokenCounts counts) {
        Stretch stretch = stretches.get(counts);
        return stretch.counted == 0 ? counts.size() : counts.counted() - stretch.counted;
    }

    /** First entry of a placed row. */
    int at(TokenCounts counts) {
        return stretches.get(counts).at;
    }

    /** Writes the updates of a placed row, and takes the copy for up to date. */
    void write(TokenCounts counts, MemorySegment into, long at) {
        Stretch stretch = stretches.get(counts);
        int updates = updates(counts);
        for (int i = 0; i < updates; i++) {
            int place = stretch.counted == 0 ? i : counts.placeAt(stretch.counted + i);
            long to = at + (long) UPDATE_BYTES * i;
            into.set(ValueLayout.JAVA_INT, to, stretch.at + place);
            into.set(ValueLayout.JAVA_INT, to + 4, counts.token(place));
            into.set(ValueLayout.JAVA_INT, to + 8, counts.count(place));
        }
        stretch.counted = counts.counted();
    }

    /** Nothing is known to be on the device. */
    void forget() {
        stretches.clear();
        used = 0;
    }
}

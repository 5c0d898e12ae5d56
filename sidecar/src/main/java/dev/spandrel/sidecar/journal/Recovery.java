package dev.spandrel.sidecar.journal;

import dev.spandrel.sidecar.otlp.Signal;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What a folder of segments holds after whatever ended the last process: every header is looked at, damaged stretches
 * are stepped over and counted, nothing is repaired or moved. Only a folder that cannot be read fails.
 */
record Recovery(List<Segment> segments, long nextSequence, long damages) {
    private static final System.Logger LOG = System.getLogger(Recovery.class.getName());

    static Recovery of(Storage storage, Signal signal, JournalBudget budget) throws IOException {
        List<Segment> segments = new ArrayList<>();
        for (String name : storage.names()) {
            Segment.named(name).ifPresent(segments::add);
        }
        segments.sort(Comparator.comparingLong(Segment::base));
        long next = 1;
        long damages = 0;
        List<Segment> kept = new ArrayList<>();
        for (Segment segment : segments) {
            damages += scan(storage, segment);
            // never the base of a segment that exists, even of one that holds nothing: its name would be taken twice
            next = Math.max(next, Math.max(segment.base(), segment.lastSequence()) + 1);
            if (segment.readable() == 0) {
                deleteEmpty(storage, segment);
            } else {
                budget.take(signal, segment.readable());
                kept.add(segment);
            }
        }
        return new Recovery(kept, next, damages);
    }

    /** What a crash or a broken disk left between a segment's name and its first record. */
    private static void deleteEmpty(Storage storage, Segment segment) {
        try {
            storage.delete(segment.name());
        } catch (IOException e) {
            LOG.log(Level.WARNING, "cannot delete the empty segment {0}: {1}", segment.name(), e);
        }
    }

    private static long scan(Storage storage, Segment segment) throws IOException {
        StorageFile file = storage.open(segment.name());
        try (SegmentReader reader = new SegmentReader(file, segment)) {
            long size = file.size();
            long last = segment.base() - 1;
            long items = 0;
            Optional<RecordHeader> header = reader.next(size);
            while (header.isPresent()) {
                last = header.get().sequence();
                items += header.get().items();
                reader.skip(header.get());
                header = reader.next(size);
            }
            segment.recovered(last, items, size);
            return reader.damages();
        }
    }
}

package dev.spandrel.sidecar.journal;

import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.ProtobufReader;
import dev.spandrel.sidecar.otlp.ProtobufWriter;
import dev.spandrel.sidecar.otlp.Signal;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * A quarantine in one file of a folder, of the same records as a journal; each is forced before the piece counts as put
 * aside. The body of a record is a small protobuf message: destination, signal, reason, copy, and the request itself.
 */
public final class DiskQuarantine implements Quarantine {
    private static final System.Logger LOG = System.getLogger(DiskQuarantine.class.getName());

    private final Storage storage;
    private final long limit;
    private final SegmentWriter writer;
    private final List<Segment> segments = new ArrayList<>();
    private long earlierBytes;
    private long nextSequence = 1;

    private DiskQuarantine(Storage storage, long limit, RandomGenerator random) {
        this.storage = storage;
        this.limit = limit;
        this.writer = new SegmentWriter(storage, random);
    }

    /** Opens the quarantine of a folder. */
    public static DiskQuarantine open(Storage storage, long limit, RandomGenerator random) throws IOException {
        DiskQuarantine quarantine = new DiskQuarantine(storage, limit, random);
        for (String name : storage.names()) {
            Segment.named(name).ifPresent(quarantine.segments::add);
        }
        quarantine.segments.sort((a, b) -> Long.compare(a.base(), b.base()));
        for (Segment segment : quarantine.segments) {
            try (StorageFile file = storage.open(segment.name())) {
                quarantine.earlierBytes += file.size();
            }
        }
        long lastEntry =
                quarantine.entries().stream().mapToLong(Entry::number).max().orElse(0);
        long lastBase = quarantine.segments.isEmpty()
                ? 0
                : quarantine.segments.getLast().base();
        quarantine.nextSequence = Math.max(lastEntry, lastBase) + 1;
        return quarantine;
    }

    /**
     * One piece with its number.
     *
     * @param number names the piece to people
     */
    public record Entry(long number, Piece piece) {}

    @Override
    public synchronized boolean put(Piece piece) {
        byte[] body = encode(piece);
        if (bytes() + RecordHeader.BYTES + body.length > limit) {
            return false;
        }
        try {
            if (!writer.open()) {
                segments.add(writer.roll(nextSequence));
            }
            writer.append(
                    new RecordHeader(
                            nextSequence++,
                            piece.epochMillis(),
                            piece.items(),
                            body.length,
                            RecordHeader.checksum(body)),
                    body);
            writer.force();
            return true;
        } catch (IOException e) {
            LOG.log(Level.ERROR, "the quarantine cannot be written: {0}", e.toString());
            earlierBytes += writer.open() ? writer.size() : 0;
            writer.close();
            return false;
        }
    }

    private static byte[] encode(Piece piece) {
        return new ProtobufWriter()
                .string(1, piece.destination())
                .string(2, piece.signal().name())
                .string(3, piece.reason())
                .varint(4, piece.copy() ? 1 : 0)
                .bytes(5, piece.body())
                .toByteArray();
    }

    private static Piece decode(RecordHeader header, byte[] body) throws MalformedTelemetryException {
        String destination = "";
        Signal signal = Signal.TRACES;
        String reason = "";
        boolean copy = false;
        byte[] request = {};
        ProtobufReader reader = new ProtobufReader(body);
        while (reader.next()) {
            switch (reader.field()) {
                case 1 -> destination = reader.string();
                case 2 -> signal = Signal.valueOf(reader.string());
                case 3 -> reason = reader.string();
                case 4 -> copy = reader.varint() != 0;
                case 5 -> request = Arrays.copyOfRange(body, reader.valueStart(), reader.valueEnd());
                default -> {}
            }
        }
        return new Piece(destination, signal, header.epochMillis(), header.items(), reason, copy, request);
    }

    /** Everything put aside, oldest first; damaged records are left out. */
    public synchronized List<Entry> entries() throws IOException {
        List<Entry> entries = new ArrayList<>();
        for (Segment segment : segments) {
            try (StorageFile file = storage.open(segment.name());
                    SegmentReader reader = new SegmentReader(storage.open(segment.name()), segment)) {
                long size = file.size();
                Optional<RecordHeader> header = reader.next(size);
                while (header.isPresent()) {
                    add(header.get(), reader.body(header.get()), entries);
                    header = reader.next(size);
                }
            }
        }
        return entries;
    }

    private static void add(RecordHeader header, Optional<byte[]> body, List<Entry> entries) {
        try {
            if (body.isPresent()) {
                entries.add(new Entry(header.sequence(), decode(header, body.get())));
            }
        } catch (MalformedTelemetryException | IllegalArgumentException e) {
            LOG.log(
                    Level.WARNING,
                    "entry {0} of the quarantine cannot be read: {1}",
                    header.sequence(),
                    e.getMessage());
        }
    }

    /** Forgets every piece but these, which are made safe in a new file before the old ones go. */
    public synchronized void keepOnly(List<Piece> kept) throws IOException {
        writer.close();
        List<Segment> old = List.copyOf(segments);
        segments.clear();
        earlierBytes = 0;
        for (Piece piece : kept) {
            if (!put(piece)) {
                throw new IOException("the quarantine cannot be written anew; nothing was removed");
            }
        }
        for (Segment segment : old) {
            storage.delete(segment.name());
        }
        storage.forceNames();
    }

    @Override
    public synchronized long bytes() {
        return earlierBytes + (writer.open() ? writer.size() : 0);
    }

    @Override
    public synchronized void close() {
        writer.close();
    }
}

package dev.spandrel.sidecar.journal;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Up to where one destination has settled, in a file of two slots written in turn, so that a torn write spoils only the
 * newer one. An old or lost checkpoint costs duplicates, never a record: therefore it is written with every step but
 * forced only now and then.
 */
final class Checkpoint implements Closeable {
    /** One sector each, so that tearing one cannot touch the other. */
    private static final int SLOT_BYTES = 512;

    private static final int USED_BYTES = 24;
    private static final String SUFFIX = ".checkpoint";

    private final StorageFile file;
    private long generation;
    private long settled;

    private Checkpoint(StorageFile file) {
        this.file = file;
    }

    /** The checkpoint of a destination; 0, nothing settled, where there is none or it cannot be read. */
    static Checkpoint open(Storage storage, String destination) throws IOException {
        String name = destination + SUFFIX;
        boolean exists = storage.names().contains(name);
        Checkpoint checkpoint = new Checkpoint(exists ? storage.open(name) : storage.create(name));
        if (!exists) {
            storage.forceNames();
        }
        checkpoint.read(0);
        checkpoint.read(SLOT_BYTES);
        return checkpoint;
    }

    private void read(long slot) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(USED_BYTES);
        file.read(buffer, slot);
        if (!buffer.hasRemaining() && buffer.getLong(16) == checksum(buffer) && buffer.getLong(0) > generation) {
            generation = buffer.getLong(0);
            settled = buffer.getLong(8);
        }
    }

    private static long checksum(ByteBuffer buffer) {
        CRC32C crc = new CRC32C();
        crc.update(buffer.duplicate().position(0).limit(16));
        // an empty slot of zeros must not pass
        return crc.getValue() + 1;
    }

    long settled() {
        return settled;
    }

    void write(long settledNow) throws IOException {
        generation++;
        settled = settledNow;
        ByteBuffer buffer = ByteBuffer.allocate(USED_BYTES).putLong(generation).putLong(settled);
        buffer.putLong(checksum(buffer)).flip();
        file.write(buffer, generation % 2 * SLOT_BYTES);
    }

    void force() throws IOException {
        file.force();
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}

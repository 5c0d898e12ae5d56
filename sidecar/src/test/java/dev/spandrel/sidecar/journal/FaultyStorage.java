package dev.spandrel.sidecar.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** A folder on a disk that can be full or read-only, and be so no longer. */
final class FaultyStorage implements Storage {
    /** What is wrong with the disk, with the words of the system. */
    enum Fault {
        NONE(""),
        FULL("No space left on device"),
        READ_ONLY("Read-only file system"),
        BROKEN("Input/output error"),
        NO_MEMORY("Cannot reserve direct buffer memory");

        private final String words;

        Fault(String words) {
            this.words = words;
        }
    }

    private final Storage storage;
    private volatile Fault fault = Fault.NONE;

    FaultyStorage(Storage storage) {
        this.storage = storage;
    }

    void fault(Fault now) {
        fault = now;
    }

    private void check(Fault... failing) throws IOException {
        for (Fault each : failing) {
            if (fault == each) {
                throw new IOException(each.words);
            }
        }
    }

    @Override
    public List<String> names() throws IOException {
        return storage.names();
    }

    @Override
    public StorageFile create(String name) throws IOException {
        check(Fault.READ_ONLY);
        return new FaultyFile(storage.create(name));
    }

    @Override
    public StorageFile open(String name) throws IOException {
        return new FaultyFile(storage.open(name));
    }

    @Override
    public void delete(String name) throws IOException {
        check(Fault.READ_ONLY);
        storage.delete(name);
    }

    @Override
    public void forceNames() throws IOException {
        check(Fault.BROKEN);
        storage.forceNames();
    }

    private final class FaultyFile implements StorageFile {
        private final StorageFile file;

        FaultyFile(StorageFile file) {
            this.file = file;
        }

        @Override
        public long size() throws IOException {
            return file.size();
        }

        @Override
        public void read(ByteBuffer target, long position) throws IOException {
            file.read(target, position);
        }

        @Override
        public void write(ByteBuffer source, long position) throws IOException {
            check(Fault.READ_ONLY);
            if (fault == Fault.NO_MEMORY) {
                throw new OutOfMemoryError(fault.words);
            }
            if (fault == Fault.FULL) {
                // a full disk takes what fits: half of the record is there
                file.write(source.duplicate().limit(source.position() + source.remaining() / 2), position);
            }
            check(Fault.FULL);
            file.write(source, position);
        }

        @Override
        public void truncate(long size) throws IOException {
            check(Fault.READ_ONLY, Fault.BROKEN);
            file.truncate(size);
        }

        @Override
        public void force() throws IOException {
            check(Fault.BROKEN);
            file.force();
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }
}

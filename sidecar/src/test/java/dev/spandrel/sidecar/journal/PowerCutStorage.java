package dev.spandrel.sidecar.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A disk that keeps only what was forced. Until then writes lie in a cache as single sectors and names only in memory; a
 * power cut keeps a random part of those sectors, in any order, and may tear the last one. Forces can be made to fail.
 */
final class PowerCutStorage implements Storage {
    private static final int SECTOR = 512;

    /** A file: what is safe, and what a reader sees now. */
    private static final class Contents {
        private byte[] safe = {};
        private byte[] seen = {};
        private final List<int[]> dirty = new ArrayList<>();
    }

    private final Random random;
    private Map<String, Contents> seenNames = new HashMap<>();
    private Map<String, Contents> safeNames = new HashMap<>();
    private boolean off;
    private int failForces;

    PowerCutStorage(Random random) {
        this.random = random;
    }

    /** The next forces fail, and what they should have made safe may be lost. */
    synchronized void failForces(int count) {
        failForces = count;
    }

    /** Power goes: every call fails until {@link #powerOn}. */
    synchronized void powerOff() {
        off = true;
    }

    /** Power comes back to what the disk has kept. */
    synchronized void powerOn() {
        Map<String, Contents> names = new HashMap<>(safeNames);
        seenNames.forEach((name, contents) -> {
            // a name that was not forced is there or not, as chance has it; one deleted may come back
            if (!safeNames.containsKey(name) && random.nextBoolean()) {
                names.put(name, contents);
            }
        });
        names.values().forEach(this::settle);
        seenNames = names;
        safeNames = new HashMap<>(names);
        off = false;
        failForces = 0;
    }

    private void settle(Contents file) {
        byte[] kept = file.safe.clone();
        for (int[] range : file.dirty) {
            for (int sector = range[0] / SECTOR; sector * SECTOR < range[1]; sector++) {
                kept = keepOrDrop(
                        file, kept, Math.max(range[0], sector * SECTOR), Math.min(range[1], (sector + 1) * SECTOR));
            }
        }
        file.safe = kept;
        file.seen = kept.clone();
        file.dirty.clear();
    }

    private byte[] keepOrDrop(Contents file, byte[] kept, int from, int to) {
        int until = switch (random.nextInt(4)) {
            case 0 -> from;
            case 1 -> from + random.nextInt(to - from + 1);
            default -> to;
        };
        if (until == from || until > file.seen.length) {
            return kept;
        }
        byte[] grown = kept.length < until ? Arrays.copyOf(kept, until) : kept;
        System.arraycopy(file.seen, from, grown, from, until - from);
        return grown;
    }

    private void checkPower() throws IOException {
        if (off) {
            throw new IOException("no power");
        }
    }

    private void checkForce() throws IOException {
        checkPower();
        if (failForces > 0) {
            failForces--;
            throw new IOException("force failed");
        }
    }

    @Override
    public synchronized List<String> names() throws IOException {
        checkPower();
        return List.copyOf(seenNames.keySet());
    }

    @Override
    public synchronized StorageFile create(String name) throws IOException {
        checkPower();
        if (seenNames.containsKey(name)) {
            throw new FileAlreadyExistsException(name);
        }
        Contents contents = new Contents();
        seenNames.put(name, contents);
        return new File(contents);
    }

    @Override
    public synchronized StorageFile open(String name) throws IOException {
        checkPower();
        Contents contents = seenNames.get(name);
        if (contents == null) {
            throw new NoSuchFileException(name);
        }
        return new File(contents);
    }

    @Override
    public synchronized void delete(String name) throws IOException {
        checkPower();
        seenNames.remove(name);
    }

    @Override
    public synchronized void forceNames() throws IOException {
        checkForce();
        safeNames = new HashMap<>(seenNames);
    }

    private final class File implements StorageFile {
        private final Contents contents;

        File(Contents contents) {
            this.contents = contents;
        }

        @Override
        public long size() throws IOException {
            synchronized (PowerCutStorage.this) {
                checkPower();
                return contents.seen.length;
            }
        }

        @Override
        public void read(ByteBuffer target, long position) throws IOException {
            synchronized (PowerCutStorage.this) {
                checkPower();
                int count = (int) Math.min(target.remaining(), Math.max(0, contents.seen.length - position));
                if (count > 0) {
                    target.put(contents.seen, (int) position, count);
                }
            }
        }

        @Override
        public void write(ByteBuffer source, long position) throws IOException {
            synchronized (PowerCutStorage.this) {
                checkPower();
                int from = (int) position;
                int to = from + source.remaining();
                if (contents.seen.length < to) {
                    contents.seen = Arrays.copyOf(contents.seen, to);
                }
                source.get(contents.seen, from, to - from);
                contents.dirty.add(new int[] {from, to});
            }
        }

        @Override
        public void truncate(long size) throws IOException {
            synchronized (PowerCutStorage.this) {
                checkPower();
                contents.seen = Arrays.copyOf(contents.seen, (int) Math.min(size, contents.seen.length));
            }
        }

        @Override
        public void force() throws IOException {
            synchronized (PowerCutStorage.this) {
                checkForce();
                contents.safe = contents.seen.clone();
                contents.dirty.clear();
            }
        }

        @Override
        public void close() {
            // closing makes nothing safe
        }
    }
}

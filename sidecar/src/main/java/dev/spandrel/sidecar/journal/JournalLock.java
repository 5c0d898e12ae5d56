package dev.spandrel.sidecar.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Holds a journal folder for one process; the operating system lets go of it when the process ends, however it ends. */
public final class JournalLock implements AutoCloseable {
    private static final String NAME = "lock";
    private static final int MAX_PID_BYTES = 32;

    /** Somebody else has the folder. */
    public static final class HeldException extends Exception {
        private static final long serialVersionUID = 1L;

        private HeldException(Path folder, String pid) {
            super("the journal folder %s is in use by process %s".formatted(folder, pid.isEmpty() ? "(unknown)" : pid));
        }
    }

    private final FileChannel channel;

    private JournalLock(FileChannel channel) {
        this.channel = channel;
    }

    /** Takes the folder, which must exist, and writes our process id into it. */
    public static JournalLock take(Path folder) throws IOException, HeldException {
        FileChannel channel = FileChannel.open(
                folder.resolve(NAME), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        if (!tryLock(channel)) {
            String pid = readPid(channel);
            channel.close();
            throw new HeldException(folder, pid);
        }
        channel.truncate(0);
        channel.write(
                ByteBuffer.wrap(Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII)));
        return new JournalLock(channel);
    }

    private static boolean tryLock(FileChannel channel) throws IOException {
        try {
            FileLock lock = channel.tryLock();
            return lock != null;
        } catch (OverlappingFileLockException e) {
            // held by this very process
            return false;
        }
    }

    private static String readPid(FileChannel channel) throws IOException {
        ByteBuffer pid = ByteBuffer.allocate(MAX_PID_BYTES);
        channel.read(pid, 0);
        return new String(pid.array(), 0, pid.position(), StandardCharsets.US_ASCII).strip();
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // the lock goes with the process at the latest
        }
    }
}

package dev.spandrel.sidecar.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A folder of the file system. */
public record DiskStorage(Path folder) implements Storage {
    /** Makes a folder's names safe. */
    @FunctionalInterface
    interface Force {
        void names(Path folder) throws IOException;
    }

    /** Makes the folder where it is not there yet, so that a power cut leaves it where it is. */
    public static DiskStorage open(Path folder) throws IOException {
        create(folder, made -> new DiskStorage(made).forceNames());
        return new DiskStorage(folder);
    }

    /** Forcing a folder makes safe what is in it; its own name stands in the one around it. */
    static void create(Path folder, Force force) throws IOException {
        List<Path> around = new ArrayList<>();
        for (Path missing = folder.toAbsolutePath(); !Files.exists(missing); missing = missing.getParent()) {
            around.add(missing.getParent());
        }
        Files.createDirectories(folder);
        for (Path parent : around.reversed()) {
            force.names(parent);
        }
    }

    @Override
    public List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }

    @Override
    public StorageFile create(String name) throws IOException {
        return channel(name, StandardOpenOption.CREATE_NEW);
    }

    @Override
    public StorageFile open(String name) throws IOException {
        return channel(name, StandardOpenOption.READ);
    }

    private StorageFile channel(String name, OpenOption option) throws IOException {
        return new DiskFile(
                FileChannel.open(folder.resolve(name), option, StandardOpenOption.READ, StandardOpenOption.WRITE));
    }

    @Override
    public void delete(String name) throws IOException {
        Files.deleteIfExists(folder.resolve(name));
    }

    @Override
    public void forceNames() throws IOException {
        // on Linux and macOS a directory can be opened for reading and forced; Windows keeps names safe by itself
        try (FileChannel directory = FileChannel.open(folder, StandardOpenOption.READ)) {
            directory.force(true);
        } catch (AccessDeniedException e) {
            if (!System.getProperty("os.name").startsWith("Windows")) {
                throw e;
            }
        }
    }

    private record DiskFile(FileChannel channel) implements StorageFile {
        @Override
        public long size() throws IOException {
            return channel.size();
        }

        @Override
        public void read(ByteBuffer target, long position) throws IOException {
            long at = position;
            while (target.hasRemaining()) {
                int count = channel.read(target, at);
                if (count < 0) {
                    return;
                }
                at += count;
            }
        }

        @Override
        public void write(ByteBuffer source, long position) throws IOException {
            long at = position;
            while (source.hasRemaining()) {
                at += channel.write(source, at);
            }
        }

        @Override
        public void truncate(long size) throws IOException {
            channel.truncate(size);
        }

        @Override
        public void force() throws IOException {
            channel.force(false);
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}

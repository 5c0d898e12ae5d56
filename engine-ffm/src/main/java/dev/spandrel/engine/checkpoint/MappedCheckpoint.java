package dev.spandrel.engine.checkpoint;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A checkpoint of one file, or of shards named by an index. Every file is mapped whole and all places in it checked against
 * its length before the first tensor is handed out; all problems of all files are reported at once.
 */
final class MappedCheckpoint implements Checkpoint {
    /** A reader of more has seen what is wrong with the file. */
    private static final int MOST_PROBLEMS = 100;

    private final Path path;
    private final Arena arena;
    private final SortedMap<String, TensorInfo> tensors = new TreeMap<>();
    private final SortedMap<String, String> unsupported = new TreeMap<>();
    private final Map<String, MemorySegment> data = new TreeMap<>();
    private final AtomicBoolean closed = new AtomicBoolean();

    private MappedCheckpoint(Path path, Arena arena) {
        this.path = path;
        this.arena = arena;
    }

    /**
     * @param path the name under which to report: the file itself or its folder
     * @param file the only file
     */
    static MappedCheckpoint openFile(Path path, Path file, FileFormat format) {
        return open(path, List.of(file), ShardIndex.NONE, format);
    }

    /** Several files without an index. */
    static MappedCheckpoint openFiles(Path path, List<Path> files, FileFormat format) {
        return open(path, files, ShardIndex.NONE, format);
    }

    /** @param suffix how names of shards end */
    static MappedCheckpoint openSharded(Path folder, String indexFile, String suffix, FileFormat format) {
        ShardIndex index = ShardIndex.read(folder.resolve(indexFile), suffix);
        return open(folder, index.files().stream().map(folder::resolve).toList(), index, format);
    }

    private static MappedCheckpoint open(Path path, List<Path> files, ShardIndex index, FileFormat format) {
        // Shared, because uploads and CPU workers read from threads of their own.
        MappedCheckpoint checkpoint = new MappedCheckpoint(path, Arena.ofShared());
        List<String> problems = new ArrayList<>();
        try {
            for (Path file : files) {
                checkpoint.add(file, index, format, problems);
            }
            checkpoint.missing(index, problems);
            if (!problems.isEmpty()) {
                throw new EngineException.ModelLoad(path.toString(), shortened(problems));
            }
            return checkpoint;
        } catch (RuntimeException | Error e) {
            checkpoint.close();
            throw e;
        }
    }

    private static List<String> shortened(List<String> problems) {
        if (problems.size() <= MOST_PROBLEMS) {
            return problems;
        }
        List<String> first = new ArrayList<>(problems.subList(0, MOST_PROBLEMS));
        first.add("and " + (problems.size() - MOST_PROBLEMS) + " more");
        return first;
    }

    private void add(Path file, ShardIndex index, FileFormat format, List<String> problems) {
        String name = file.getFileName().toString();
        MemorySegment mapped;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
        } catch (IOException e) {
            problems.add(name + ": cannot be opened: " + e);
            return;
        }
        for (TensorEntry entry : format.read(name, mapped, problems)) {
            if (index.holds(entry.name(), name)) {
                add(entry, name, mapped, problems);
            }
        }
    }

    private void add(TensorEntry entry, String file, MemorySegment mapped, List<String> problems) {
        TensorInfo other = tensors.get(entry.name());
        DType dtype = entry.dtype();
        if (other != null || unsupported.containsKey(entry.name())) {
            problems.add(file + ": tensor " + entry.name() + " is also in "
                    + (other == null ? "another file" : other.file()));
        } else if (dtype == null) {
            unsupported.put(entry.name(), entry.type());
        } else {
            tensors.put(
                    entry.name(),
                    new TensorInfo(entry.name(), dtype, entry.shape(), file, entry.offset(), entry.size()));
            data.put(entry.name(), mapped.asSlice(entry.offset(), entry.size()));
        }
    }

    private void missing(ShardIndex index, List<String> problems) {
        index.placement().forEach((name, file) -> {
            boolean found = tensors.containsKey(name) || unsupported.containsKey(name);
            if (!found && problems.stream().noneMatch(problem -> problem.startsWith(file + ":"))) {
                problems.add(
                        index.file() + ": says tensor " + name + " is in " + file + ", found none of that name there");
            }
        });
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public SortedMap<String, TensorInfo> tensors() {
        return Collections.unmodifiableSortedMap(tensors);
    }

    @Override
    public SortedMap<String, String> unsupported() {
        return Collections.unmodifiableSortedMap(unsupported);
    }

    @Override
    public Tensor tensor(String name) {
        TensorInfo info = tensors.get(name);
        if (info == null) {
            return null;
        }
        DType dtype = info.dtype();
        return new Tensor(dtype, info.shape(), data.get(name));
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            arena.close();
        }
    }
}

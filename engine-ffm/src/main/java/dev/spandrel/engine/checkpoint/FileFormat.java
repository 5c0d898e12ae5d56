package dev.spandrel.engine.checkpoint;

import java.lang.foreign.MemorySegment;
import java.util.List;

/** Finds the tensors of one mapped file, and nothing outside of it. */
@FunctionalInterface
interface FileFormat {
    /**
     * @param file name for messages
     * @param problems takes one line for each thing found wrong, beginning with the file's name
     * @return the tensors; none when something is wrong
     */
    List<TensorEntry> read(String file, MemorySegment mapped, List<String> problems);
}

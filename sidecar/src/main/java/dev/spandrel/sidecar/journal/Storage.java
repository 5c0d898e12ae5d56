package dev.spandrel.sidecar.journal;

import java.io.IOException;
import java.util.List;

/**
 * One folder, as a journal needs it. The promise of a disk is narrow, and so is this: bytes are safe after
 * {@link StorageFile#force}, a new name after {@link #forceNames}. A test puts a disk in its place that keeps nothing
 * else.
 */
public interface Storage {
    /** The names in the folder, in no order. */
    List<String> names() throws IOException;

    /** A new empty file; a name that exists fails. */
    StorageFile create(String name) throws IOException;

    /** An existing file, for reading and writing. */
    StorageFile open(String name) throws IOException;

    /** Removes a name; one that is not there is no error. */
    void delete(String name) throws IOException;

    /** Makes new and removed names safe. */
    void forceNames() throws IOException;
}

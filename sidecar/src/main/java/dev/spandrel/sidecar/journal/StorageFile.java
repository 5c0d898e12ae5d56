package dev.spandrel.sidecar.journal;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/** One open file of a {@link Storage}. */
public interface StorageFile extends Closeable {
    long size() throws IOException;

    /** Fills the buffer from a position as far as the file goes. */
    void read(ByteBuffer target, long position) throws IOException;

    /** Writes all of the buffer at a position. */
    void write(ByteBuffer source, long position) throws IOException;

    /** Cuts the file to a size. */
    void truncate(long size) throws IOException;

    /** Makes everything written safe. */
    void force() throws IOException;
}

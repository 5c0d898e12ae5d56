package dev.spandrel.sidecar.exporter;

import io.grpc.Drainable;
import io.grpc.KnownLength;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;

/** The parts of a request as one stream that gRPC can drain without a copy in between. */
final class PartsInputStream extends InputStream implements Drainable, KnownLength {
    private final List<byte[]> parts;
    private int part;
    private int offset;

    PartsInputStream(List<byte[]> parts) {
        this.parts = parts;
    }

    @Override
    public int drainTo(OutputStream target) throws IOException {
        int drained = 0;
        while (advance()) {
            byte[] current = parts.get(part);
            target.write(current, offset, current.length - offset);
            drained += current.length - offset;
            offset = current.length;
        }
        return drained;
    }

    private boolean advance() {
        while (part < parts.size() && offset == parts.get(part).length) {
            part++;
            offset = 0;
        }
        return part < parts.size();
    }

    @Override
    public int read() {
        return advance() ? parts.get(part)[offset++] & 0xff : -1;
    }

    @Override
    public int read(byte[] target, int from, int length) {
        if (length == 0) {
            return 0;
        }
        if (!advance()) {
            return -1;
        }
        int count = Math.min(length, parts.get(part).length - offset);
        System.arraycopy(parts.get(part), offset, target, from, count);
        offset += count;
        return count;
    }

    @Override
    public int available() {
        long left = -offset;
        for (int i = part; i < parts.size(); i++) {
            left += parts.get(i).length;
        }
        return Math.toIntExact(left);
    }
}

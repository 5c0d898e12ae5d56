package dev.spandrel.sidecar.receiver;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import io.grpc.Codec;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * Zstandard, by zstd-jni: its native library is loaded with the first request that needs it. As a gRPC codec it only
 * decompresses, since answers are too small to be worth it.
 */
final class Zstd implements Codec {
    static final String NAME = "zstd";

    /** 8 MiB, what RFC 9659 lets a sender over HTTP expect; a larger window would be memory that no limit of ours sees. */
    private static final int LONGEST_WINDOW_LOG = 23;

    static InputStream stream(InputStream in) throws IOException {
        return new ZstdInputStreamNoFinalizer(in).setLongMax(LONGEST_WINDOW_LOG);
    }

    @Override
    public String getMessageEncoding() {
        return NAME;
    }

    @Override
    public InputStream decompress(InputStream in) throws IOException {
        return stream(in);
    }

    @Override
    public OutputStream compress(OutputStream out) {
        throw new UnsupportedOperationException("answers are not compressed");
    }
}

package dev.spandrel.sidecar.testing;

import com.github.luben.zstd.ZstdOutputStreamNoFinalizer;
import com.google.protobuf.MessageLite;
import io.grpc.CallOptions;
import io.grpc.Codec;
import io.grpc.Compressor;
import io.grpc.CompressorRegistry;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.concurrent.TimeUnit;

/** A sender of OTLP over gRPC that can also send what is no OTLP. */
public final class GrpcSender implements AutoCloseable {
    public static final Metadata.Key<byte[]> DETAILS =
            Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
    public static final String TRACES = "opentelemetry.proto.collector.trace.v1.TraceService/Export";
    public static final String METRICS = "opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    public static final String PROFILES = "opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export";
    public static final String LOGS = "opentelemetry.proto.collector.logs.v1.LogsService/Export";

    private final ManagedChannel channel;

    public GrpcSender(int port) {
        CompressorRegistry compressors = CompressorRegistry.newEmptyInstance();
        compressors.register(new Codec.Gzip());
        compressors.register(new ZstdCompressor());
        channel = NettyChannelBuilder.forAddress("127.0.0.1", port)
                .compressorRegistry(compressors)
                .usePlaintext()
                .build();
    }

    /** Sends and returns the response's bytes; a refusal is a {@link io.grpc.StatusRuntimeException}. */
    public byte[] send(String method, byte[] body, boolean gzip) {
        return send(method, body, gzip ? "gzip" : "identity");
    }

    /** As {@link #send(String, byte[], boolean)}, compressed by {@code gzip}, {@code zstd} or {@code identity}. */
    public byte[] send(String method, byte[] body, String encoding) {
        CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(2, TimeUnit.MINUTES);
        return ClientCalls.blockingUnaryCall(
                channel,
                descriptor(method),
                encoding.equals("identity") ? options : options.withCompression(encoding),
                body);
    }

    public void send(MessageLite traces) {
        send(TRACES, traces.toByteArray(), false);
    }

    public static MethodDescriptor<byte[], byte[]> descriptor(String method) {
        return MethodDescriptor.<byte[], byte[]>newBuilder()
                .setType(MethodDescriptor.MethodType.UNARY)
                .setFullMethodName(method)
                .setRequestMarshaller(new Bytes())
                .setResponseMarshaller(new Bytes())
                .build();
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }

    private static final class ZstdCompressor implements Compressor {
        @Override
        public String getMessageEncoding() {
            return "zstd";
        }

        @Override
        public OutputStream compress(OutputStream out) throws IOException {
            return new ZstdOutputStreamNoFinalizer(out);
        }
    }

    private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}

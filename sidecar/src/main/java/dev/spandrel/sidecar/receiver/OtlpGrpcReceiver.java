package dev.spandrel.sidecar.receiver;

import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.transport.EventLoops;
import io.grpc.DecompressorRegistry;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/**
 * OTLP over gRPC, on grpc-java's netty transport (docs/decisions/0011). Bodies are taken as bytes; a call is worked on by
 * the event loop that read it and answered by the thread that made it safe, so no thread waits.
 */
public final class OtlpGrpcReceiver implements AutoCloseable {
    private static final Duration LONGEST_SWEEP = Duration.ofSeconds(5);

    private final Server server;
    private final ScheduledFuture<?> sweep;

    private OtlpGrpcReceiver(Server server, ScheduledFuture<?> sweep) {
        this.server = server;
        this.sweep = sweep;
    }

    /** Listens; an address that is taken or not ours fails. The loops stay their owner's to close. */
    public static OtlpGrpcReceiver start(
            InetSocketAddress address, Intake intake, ReceiverLimits limits, EventLoops loops) throws IOException {
        OpenCalls open = new OpenCalls(limits);
        NettyServerBuilder builder = loops.serve(NettyServerBuilder.forAddress(address))
                .directExecutor()
                .decompressorRegistry(DecompressorRegistry.getDefaultInstance().with(new Zstd(), true))
                .permitKeepAliveTime(5, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true)
                .addStreamTracerFactory(new WireBytesTracer.Factory(limits.inFlight()))
                .maxInboundMessageSize(limits.maxRequestBytes());
        for (Signal signal : Signal.values()) {
            builder.addService(service(signal, intake, limits, open));
        }
        OtlpGrpcReceiver receiver = new OtlpGrpcReceiver(builder.build(), loops.every(sweep(limits), open::cutOffSlow));
        try {
            receiver.server.start();
            return receiver;
        } catch (IOException e) {
            receiver.close();
            throw e;
        }
    }

    /** Slow senders are looked for four times within the time they have. */
    private static Duration sweep(ReceiverLimits limits) {
        Duration quarter = limits.maxRequestTime().dividedBy(4);
        return quarter.compareTo(LONGEST_SWEEP) < 0 ? quarter : LONGEST_SWEEP;
    }

    private static ServerServiceDefinition service(
            Signal signal, Intake intake, ReceiverLimits limits, OpenCalls open) {
        MethodDescriptor<InputStream, byte[]> export = MethodDescriptor.<InputStream, byte[]>newBuilder()
                .setType(MethodDescriptor.MethodType.UNARY)
                .setFullMethodName(signal.grpcMethod())
                .setRequestMarshaller(new StreamMarshaller())
                .setResponseMarshaller(new BytesMarshaller())
                .build();
        return ServerServiceDefinition.builder(signal.grpcService())
                .addMethod(export, new ExportCallHandler(signal, intake, limits, open))
                .build();
    }

    /** The port listened on. */
    public int port() {
        return server.getPort();
    }

    /** Takes no new calls and waits for those under way. */
    public void stop(Duration limit) throws InterruptedException {
        server.shutdown();
        server.awaitTermination(limit.toNanos(), TimeUnit.NANOSECONDS);
        close();
    }

    @Override
    public void close() {
        server.shutdownNow();
        sweep.cancel(false);
    }

    /** Hands the message on unread: what goes wrong while reading it is then ours to answer. */
    private static final class StreamMarshaller implements MethodDescriptor.Marshaller<InputStream> {
        @Override
        public InputStream stream(InputStream value) {
            return value;
        }

        @Override
        public InputStream parse(InputStream stream) {
            return stream;
        }
    }

    private static final class BytesMarshaller implements MethodDescriptor.Marshaller<byte[]> {
        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            throw new UnsupportedOperationException("a server does not read responses");
        }
    }
}

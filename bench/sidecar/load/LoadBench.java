import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.OtlpShape;
import dev.spandrel.sidecar.otlp.ProtobufWriter;
import dev.spandrel.sidecar.otlp.Signal;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Sends spans to a forwarder and takes them back as its backend, in requests of 100. Says how many came back for each second
 * of processor time that the forwarder took, which other work on the machine disturbs less than spans per second.
 * Arguments: name, port and pid of the forwarder, port to be its backend on, seconds of the same load before, seconds
 * measured, spans per second (0: all it takes).
 */
final class LoadBench {
    static final int SPANS = 100;
    private static final int CALLERS = 16;
    private static final double TICKS_PER_SECOND = 100;
    static final MethodDescriptor<byte[], byte[]> EXPORT = MethodDescriptor.<byte[], byte[]>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("opentelemetry.proto.collector.trace.v1.TraceService/Export")
            .setRequestMarshaller(new Bytes())
            .setResponseMarshaller(new Bytes())
            .build();

    static final AtomicLong received = new AtomicLong();
    private static final AtomicLong acknowledged = new AtomicLong();
    private static final AtomicLong refused = new AtomicLong();

    private LoadBench() {}

    public static void main(String[] args) throws Exception {
        String name = args[0];
        int port = Integer.parseInt(args[1]);
        long pid = Long.parseLong(args[2]);
        int sinkPort = Integer.parseInt(args[3]);
        int warmSeconds = Integer.parseInt(args[4]);
        int seconds = Integer.parseInt(args[5]);
        long rate = Long.parseLong(args[6]);
        Server sink = sink(sinkPort);
        ManagedChannel channel =
                NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
        run(channel, warmSeconds, rate);
        double cpu = cpuSeconds(pid);
        long before = received.get();
        long start = System.nanoTime();
        run(channel, seconds, rate);
        drain();
        double wall = (System.nanoTime() - start) / 1e9;
        double used = cpuSeconds(pid) - cpu;
        long spans = received.get() - before;
        System.out.printf(
                "%-28s %,9.0f spans/s  %5.1f %% of a core  %,9.0f spans/s/core  RSS %d MiB  refused requests %d  missing %d%n",
                name, spans / wall, 100 * used / wall, spans / used, rssMebibytes(pid), refused.get(),
                acknowledged.get() - received.get());
        channel.shutdownNow();
        sink.shutdownNow();
    }

    private static void run(ManagedChannel channel, int seconds, long rate) throws InterruptedException {
        Semaphore free = new Semaphore(CALLERS);
        byte[] body = request();
        long start = System.nanoTime();
        long end = start + TimeUnit.SECONDS.toNanos(seconds);
        for (long sent = 0; System.nanoTime() < end; sent++) {
            if (rate > 0) {
                LockSupport.parkNanos(start + sent * SPANS * 1_000_000_000L / rate - System.nanoTime());
            }
            free.acquire();
            ClientCalls.asyncUnaryCall(channel.newCall(EXPORT, CallOptions.DEFAULT), body, new StreamObserver<>() {
                @Override
                public void onNext(byte[] value) {
                    acknowledged.addAndGet(SPANS);
                }

                @Override
                public void onError(Throwable failure) {
                    refused.incrementAndGet();
                    free.release();
                }

                @Override
                public void onCompleted() {
                    free.release();
                }
            });
        }
        free.acquire(CALLERS);
    }

    private static void drain() throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (received.get() < acknowledged.get() && System.nanoTime() < deadline) {
            Thread.sleep(10);
        }
    }

    static Server sink(int port) throws IOException {
        return NettyServerBuilder.forPort(port)
                .directExecutor()
                .maxInboundMessageSize(64 << 20)
                .addService(ServerServiceDefinition.builder("opentelemetry.proto.collector.trace.v1.TraceService")
                        .addMethod(EXPORT, ServerCalls.asyncUnaryCall((byte[] request, StreamObserver<byte[]> answer) -> {
                            received.addAndGet(spans(request));
                            answer.onNext(new byte[0]);
                            answer.onCompleted();
                        }))
                        .build())
                .build()
                .start();
    }

    private static int spans(byte[] request) {
        try {
            return OtlpShape.countItems(Signal.TRACES, request);
        } catch (MalformedTelemetryException e) {
            throw new IllegalStateException(e);
        }
    }

    static byte[] request() {
        byte[] resource = new ProtobufWriter().bytes(1, attribute("service.name", "bench")).toByteArray();
        ProtobufWriter scope = new ProtobufWriter();
        for (int i = 0; i < SPANS; i++) {
            scope.bytes(2, span(i));
        }
        byte[] resourceSpans =
                new ProtobufWriter().bytes(1, resource).bytes(2, scope.toByteArray()).toByteArray();
        return new ProtobufWriter().bytes(1, resourceSpans).toByteArray();
    }

    private static byte[] span(int number) {
        byte[] id = {1, 2, 3, 4, 5, 6, 7, (byte) (number + 1)};
        byte[] trace = {1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8};
        return new ProtobufWriter()
                .bytes(1, trace)
                .bytes(2, id)
                .string(5, "POST /v1/completions")
                .varint(6, 2)
                .fixed64(7, 1_700_000_000_000_000_000L)
                .fixed64(8, 1_700_000_000_005_000_000L)
                .bytes(9, attribute("http.route", "/v1/completions"))
                .bytes(9, attribute("gen_ai.request.model", "spandrel-tiny"))
                .bytes(9, attribute("number", Integer.toString(number)))
                .toByteArray();
    }

    private static byte[] attribute(String key, String value) {
        byte[] any = new ProtobufWriter().string(1, value).toByteArray();
        return new ProtobufWriter().string(1, key).bytes(2, any).toByteArray();
    }

    private static double cpuSeconds(long pid) throws IOException {
        String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"), StandardCharsets.UTF_8);
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_PER_SECOND;
    }

    static long rssMebibytes(long pid) throws IOException {
        return Files.readAllLines(Path.of("/proc", Long.toString(pid), "status")).stream()
                .filter(line -> line.startsWith("VmRSS"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
                .findFirst()
                .orElseThrow();
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

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Sends 10,000 spans/s to a sidecar whose backend is away until it is asked to wait, then becomes the backend and counts.
 * Arguments: port and pid of the sidecar, port to be its backend on. Fails unless every acknowledged span arrives.
 */
final class OutageBench {
    private static final Metadata.Key<byte[]> DETAILS =
            Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
    private static final int RATE = 10_000;
    private static final long MINUTES_TO_DELIVER = 5;

    private OutageBench() {}

    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[0]);
        long pid = Long.parseLong(args[1]);
        ManagedChannel channel =
                NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
        byte[] body = LoadBench.request();
        long start = System.nanoTime();
        long acknowledged = 0;
        long earlyRss = 0;
        StatusRuntimeException refusal = null;
        while (refusal == null) {
            LockSupport.parkNanos(start + acknowledged * 1_000_000_000L / RATE - System.nanoTime());
            try {
                ClientCalls.blockingUnaryCall(channel, LoadBench.EXPORT, CallOptions.DEFAULT, body);
                acknowledged += LoadBench.SPANS;
            } catch (StatusRuntimeException e) {
                refusal = e;
            }
            if (earlyRss == 0 && System.nanoTime() - start > TimeUnit.SECONDS.toNanos(10)) {
                earlyRss = LoadBench.rssMebibytes(pid);
            }
        }
        byte[] details = refusal.getTrailers().get(DETAILS);
        boolean retryInfo = details != null && new String(details, "ISO-8859-1").contains("google.rpc.RetryInfo");
        System.out.printf(
                "%,d spans acknowledged in %d s, then %s, RetryInfo %b; RSS %d MiB after 10 s, %d MiB when full%n",
                acknowledged, TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start),
                refusal.getStatus().getCode(), retryInfo, earlyRss, LoadBench.rssMebibytes(pid));
        if (refusal.getStatus().getCode() != Status.Code.UNAVAILABLE || !retryInfo) {
            throw new IllegalStateException("expected UNAVAILABLE with RetryInfo, found " + refusal);
        }
        Server backend = LoadBench.sink(Integer.parseInt(args[2]));
        long back = System.nanoTime();
        long deadline = back + TimeUnit.MINUTES.toNanos(MINUTES_TO_DELIVER);
        while (LoadBench.received.get() < acknowledged && System.nanoTime() < deadline) {
            Thread.sleep(50);
        }
        long received = LoadBench.received.get();
        System.out.printf(
                "backend back: %,d spans received in %.1f s, %d missing, RSS %d MiB%n",
                received, (System.nanoTime() - back) / 1e9, Math.max(0, acknowledged - received),
                LoadBench.rssMebibytes(pid));
        channel.shutdownNow();
        backend.shutdownNow();
        System.exit(received < acknowledged ? 1 : 0);
    }
}

package dev.spandrel.sidecar.receiver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.sidecar.journal.Journal;
import dev.spandrel.sidecar.journal.JournalBudget;
import dev.spandrel.sidecar.journal.MemoryJournal;
import dev.spandrel.sidecar.journal.Overflow;
import dev.spandrel.sidecar.metrics.MetricRegistry;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.testing.Eventually;
import dev.spandrel.sidecar.testing.GrpcSender;
import dev.spandrel.sidecar.testing.Telemetry;
import dev.spandrel.sidecar.time.Ticker;
import dev.spandrel.sidecar.transform.Transform;
import dev.spandrel.sidecar.transport.EventLoops;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Senders that drip, stall or hang up in the middle: they are cut off, and nothing of them stays. */
@Timeout(60)
class SlowSenderTest {
    private static final InetSocketAddress ANY = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    private static final Duration PATIENCE = Duration.ofMillis(400);
    private static final int ANNOUNCED = 100_000;

    private final InFlightBytes inFlight = new InFlightBytes(8 << 20);
    private final EventLoops loops = EventLoops.open();
    private OtlpGrpcReceiver grpc;
    private OtlpHttpReceiver http;

    @BeforeEach
    void open() throws IOException {
        Map<Signal, Journal> journals = new EnumMap<>(Signal.class);
        JournalBudget budget = new JournalBudget(4 << 20);
        for (Signal signal : Signal.values()) {
            journals.put(signal, new MemoryJournal(signal, budget, Overflow.EVICT_OLDEST, Ticker.SYSTEM));
        }
        Intake intake = new Intake(journals, Transform.NONE, (_, _) -> {}, new MetricRegistry());
        ReceiverLimits limits = new ReceiverLimits(1 << 20, PATIENCE, inFlight, Ticker.SYSTEM);
        grpc = OtlpGrpcReceiver.start(ANY, intake, limits, loops);
        http = OtlpHttpReceiver.start(ANY, intake, limits, Duration.ZERO, loops);
    }

    @AfterEach
    void close() {
        grpc.close();
        http.close();
        loops.close();
    }

    private void assertNothingStaysAndOthersAreServed() {
        Eventually.that(() -> inFlight.used() == 0, inFlight::used);
        try (GrpcSender sender = new GrpcSender(grpc.port())) {
            sender.send(Telemetry.spans(0, 1));
        }
    }

    private Socket begin() throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), http.port());
        socket.getOutputStream()
                .write(
                        ("POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: "
                                        + ANNOUNCED + "\r\n\r\n")
                                .getBytes(StandardCharsets.US_ASCII));
        return socket;
    }

    @Test
    void aDrippingHttpSenderIsCutOff() throws Exception {
        try (Socket socket = begin()) {
            CompletableFuture<Integer> answer = CompletableFuture.supplyAsync(() -> firstByte(socket));
            OutputStream out = socket.getOutputStream();
            while (!answer.isDone()) {
                try {
                    out.write(0);
                } catch (IOException e) {
                    break;
                }
                // well within the time between two bytes, never within that of the whole
                answer.copy().completeOnTimeout(0, 50, TimeUnit.MILLISECONDS).join();
            }
        }
        assertNothingStaysAndOthersAreServed();
    }

    private static int firstByte(Socket socket) {
        try {
            InputStream in = socket.getInputStream();
            return in.read();
        } catch (IOException e) {
            return -1;
        }
    }

    @Test
    void aStalledHttpSenderIsCutOff() throws Exception {
        try (Socket socket = begin()) {
            socket.getOutputStream().write(new byte[100]);
            socket.setSoTimeout(30_000);
            // an answer or an end, but not silence
            assertThat(firstByte(socket)).isIn(-1, (int) 'H');
        }
        assertNothingStaysAndOthersAreServed();
    }

    @Test
    void aStalledGrpcSenderIsToldToComeBack() throws Exception {
        ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", grpc.port())
                .usePlaintext()
                .build();
        CompletableFuture<Status> end = new CompletableFuture<>();
        ClientCall<byte[], byte[]> call =
                channel.newCall(GrpcSender.descriptor(GrpcSender.TRACES), CallOptions.DEFAULT);
        call.start(
                new ClientCall.Listener<>() {
                    @Override
                    public void onClose(Status status, Metadata trailers) {
                        end.complete(status);
                    }
                },
                new Metadata());
        call.request(1);
        // a message, but never the end of the stream
        call.sendMessage(Telemetry.spans(0, 1).toByteArray());
        Status status = end.get(30, TimeUnit.SECONDS);
        assertThat(status.getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(status.getDescription()).contains("too long to arrive");
        channel.shutdownNow();
        assertNothingStaysAndOthersAreServed();
    }

    @Test
    void aResetInTheMiddleLeavesNothing() throws Exception {
        for (int i = 0; i < 50; i++) {
            Socket socket = begin();
            socket.getOutputStream().write(new byte[i * 1000]);
            // closing with no time to linger sends a reset
            socket.setSoLinger(true, 0);
            socket.close();
            Socket half = new Socket(InetAddress.getLoopbackAddress(), grpc.port());
            half.getOutputStream().write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            half.setSoLinger(true, 0);
            half.close();
        }
        assertNothingStaysAndOthersAreServed();
    }
}

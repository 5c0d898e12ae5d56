package dev.spandrel.sidecar.receiver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.sidecar.journal.Journal;
import dev.spandrel.sidecar.journal.JournalBudget;
import dev.spandrel.sidecar.journal.MemoryJournal;
import dev.spandrel.sidecar.journal.Overflow;
import dev.spandrel.sidecar.metrics.MetricRegistry;
import dev.spandrel.sidecar.otlp.RpcStatus;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.testing.Eventually;
import dev.spandrel.sidecar.testing.Telemetry;
import dev.spandrel.sidecar.time.Ticker;
import dev.spandrel.sidecar.transform.Transform;
import dev.spandrel.sidecar.transport.EventLoops;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** HTTP/1.1 as it lies on the wire: what clients that are not the JDK's may do. */
@Timeout(60)
class OtlpHttpReceiverTest {
    private static final byte[] SPANS = Telemetry.spans(0, 3).toByteArray();

    private final InFlightBytes inFlight = new InFlightBytes(32 << 20);
    private final Map<Signal, Journal> journals = new EnumMap<>(Signal.class);
    private final EventLoops loops = EventLoops.open();
    private OtlpHttpReceiver receiver;
    private Socket socket;

    @BeforeEach
    void open() throws IOException {
        JournalBudget budget = new JournalBudget(4 << 20);
        for (Signal signal : Signal.values()) {
            journals.put(signal, new MemoryJournal(signal, budget, Overflow.EVICT_OLDEST, Ticker.SYSTEM));
        }
        receiver = OtlpHttpReceiver.start(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                new Intake(journals, Transform.NONE, (_, _) -> {}, new MetricRegistry()),
                new ReceiverLimits(16 << 20, Duration.ofSeconds(30), inFlight, Ticker.SYSTEM),
                Duration.ofSeconds(1),
                loops);
        socket = new Socket(InetAddress.getLoopbackAddress(), receiver.port());
    }

    @AfterEach
    void close() throws IOException {
        socket.close();
        Eventually.that(() -> inFlight.used() == 0, inFlight::used);
        receiver.close();
        loops.close();
    }

    private record Answer(int status, String head, byte[] body) {}

    private static byte[] request(String headers, byte[] body) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(
                ("POST /v1/traces HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n").getBytes(StandardCharsets.US_ASCII));
        bytes.writeBytes(body);
        return bytes.toByteArray();
    }

    private static byte[] plain(byte[] body) {
        return request("Content-Type: application/x-protobuf\r\nContent-Length: " + body.length + "\r\n", body);
    }

    private void send(byte[]... parts) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        socket.getOutputStream().write(all.toByteArray());
    }

    private Answer answer() throws IOException {
        InputStream in = socket.getInputStream();
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = in.read();
            assertThat(next).as("the connection ended after \"%s\"", head).isNotNegative();
            head.append((char) next);
        }
        String text = head.toString().toLowerCase(Locale.ROOT);
        int at = text.indexOf("content-length: ");
        int length = at < 0 ? 0 : Integer.parseInt(text.substring(at + 16, text.indexOf('\r', at)));
        return new Answer(Integer.parseInt(text.substring(9, 12)), text, in.readNBytes(length));
    }

    private void assertClosed() throws IOException {
        assertThat(socket.getInputStream().read()).isEqualTo(-1);
    }

    @Test
    void aConnectionServesManyRequestsAndPipelinedOnesInOrder() throws IOException {
        for (int i = 0; i < 3; i++) {
            send(plain(SPANS));
            assertThat(answer().status()).isEqualTo(200);
        }
        byte[] garbage = "garbage".getBytes(StandardCharsets.US_ASCII);
        send(plain(SPANS), plain(garbage), plain(SPANS), plain(garbage));
        assertThat(answer().status()).isEqualTo(200);
        assertThat(answer().status()).isEqualTo(400);
        assertThat(answer().status()).isEqualTo(200);
        assertThat(answer().status()).isEqualTo(400);
        assertThat(journals.get(Signal.TRACES).items()).isEqualTo(15);
    }

    @Test
    void aBodyMayComeInChunks() throws IOException {
        byte[] half = Arrays.copyOf(SPANS, SPANS.length / 2);
        byte[] rest = Arrays.copyOfRange(SPANS, half.length, SPANS.length);
        send(
                request("Content-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\n", new byte[0]),
                (Integer.toHexString(half.length) + "\r\n").getBytes(StandardCharsets.US_ASCII),
                half,
                ("\r\n" + Integer.toHexString(rest.length) + "\r\n").getBytes(StandardCharsets.US_ASCII),
                rest,
                "\r\n0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        assertThat(answer().status()).isEqualTo(200);
        assertThat(journals.get(Signal.TRACES).items()).isEqualTo(3);
    }

    @Test
    void whoAsksBeforeSendingIsAnswered() throws IOException {
        String headers = "Content-Type: application/x-protobuf\r\nExpect: 100-continue\r\nContent-Length: ";
        send(request(headers + SPANS.length + "\r\n", new byte[0]));
        assertThat(answer().status()).isEqualTo(100);
        send(SPANS);
        assertThat(answer().status()).isEqualTo(200);
        send(request(headers + (17 << 20) + "\r\n", new byte[0]));
        Answer refused = answer();
        assertThat(refused.status()).isEqualTo(413);
        assertThat(refused.head()).contains("connection: close");
        socket.shutdownOutput();
        assertClosed();
    }

    @Test
    void theRestOfARefusedBodyIsNotTakenForARequest() throws IOException {
        byte[] large = new byte[1 << 20];
        send(request("Content-Type: text/plain\r\nContent-Length: " + large.length + "\r\n", large), plain(SPANS));
        assertThat(answer().status()).isEqualTo(415);
        assertThat(answer().status()).isEqualTo(200);
    }

    @Test
    void aRefusedBodyThatIsTooLongToReadEndsTheConnectionAfterTheAnswer() throws IOException {
        int length = 17 << 20;
        send(request("Content-Type: application/x-protobuf\r\nContent-Length: " + length + "\r\n", new byte[1 << 20]));
        Answer refused = answer();
        assertThat(refused.status()).isEqualTo(413);
        assertThat(refused.head()).contains("connection: close");
        assertThat(RpcStatus.fromProtobuf(refused.body()).message()).contains("larger than 16777216 bytes");
    }

    @Test
    void whatIsNoHttpIsToldSoInOurWords() throws IOException {
        send("POST /v1/traces HTTP/1.1\r\nContent-Length: much\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        Answer refused = answer();
        assertThat(refused.status()).isEqualTo(400);
        assertThat(RpcStatus.fromProtobuf(refused.body()).message()).contains("much");
        assertClosed();
    }

    @Test
    void aBadChunkIsMalformedInTheEncodingOfTheRequest() throws IOException {
        send(
                request("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n", new byte[0]),
                "zz\r\n".getBytes(StandardCharsets.US_ASCII));
        Answer refused = answer();
        assertThat(refused.status()).isEqualTo(400);
        assertThat(new String(refused.body(), StandardCharsets.UTF_8)).startsWith("{\"code\":3");
        assertClosed();
    }

    @Test
    void anOldClientGetsItsAnswerAndTheEnd() throws IOException {
        send(
                ("POST /v1/traces HTTP/1.0\r\nContent-Type: application/x-protobuf\r\nContent-Length: " + SPANS.length
                                + "\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII),
                SPANS);
        assertThat(answer().status()).isEqualTo(200);
        assertClosed();
    }
}

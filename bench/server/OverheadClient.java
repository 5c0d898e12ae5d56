import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Asks a server by raw sockets and reads the processor time of its process around it, so that nothing of the client counts.
 * Usage: OverheadClient PORT PID [ROUNDS]
 */
public final class OverheadClient {
    private static final int STREAMS = 32;
    private static final int TOKENS = 2000;
    private static final int HEALTHS = 20_000;

    private final int port;
    private final ProcessHandle server;

    private OverheadClient(int port, long pid) {
        this.port = port;
        this.server = ProcessHandle.of(pid).orElseThrow();
    }

    public static void main(String[] args) throws Exception {
        OverheadClient client = new OverheadClient(Integer.parseInt(args[0]), Long.parseLong(args[1]));
        int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 7;
        for (int i = 0; i < 4; i++) {
            client.streams();
            client.healths();
        }
        double[] token = new double[rounds];
        double[] health = new double[rounds];
        for (int i = 0; i < rounds; i++) {
            token[i] = client.streams();
            health[i] = client.healths();
        }
        print("per streamed token, " + STREAMS + " streams", token, 20);
        print("per /health", health, 50);
    }

    private static void print(String what, double[] micros, double goal) {
        Arrays.sort(micros);
        System.out.printf(
                Locale.ROOT,
                "%-36s %.2f us of server processor time (median of %d; %.2f to %.2f), goal %.0f%n",
                what,
                micros[micros.length / 2],
                micros.length,
                micros[0],
                micros[micros.length - 1],
                goal);
    }

    /** Microseconds of the server per token. */
    private double streams() throws Exception {
        Duration before = cpu();
        String body = "{\"prompt\":\"a b c d\",\"max_tokens\":" + TOKENS + ",\"stream\":true}";
        List<Callable<Integer>> clients = new ArrayList<>();
        for (int i = 0; i < STREAMS; i++) {
            clients.add(() -> read(body));
        }
        int events = 0;
        try (ExecutorService threads = Executors.newFixedThreadPool(STREAMS)) {
            for (Future<Integer> client : threads.invokeAll(clients)) {
                events += client.get();
            }
        }
        if (events != STREAMS * (TOKENS + 1)) {
            throw new IllegalStateException(events + " events");
        }
        return cpu().minus(before).toNanos() / 1e3 / (STREAMS * TOKENS);
    }

    private int read(String body) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.getOutputStream()
                    .write(("POST /v1/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
                                    + "Content-Length: " + body.length() + "\r\n\r\n" + body)
                            .getBytes(StandardCharsets.US_ASCII));
            InputStream in = socket.getInputStream();
            byte[] buffer = new byte[64 * 1024];
            int events = 0;
            int matched = 0;
            byte[] mark = "data: ".getBytes(StandardCharsets.US_ASCII);
            for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
                for (int i = 0; i < n; i++) {
                    matched = buffer[i] == mark[matched] ? matched + 1 : buffer[i] == mark[0] ? 1 : 0;
                    if (matched == mark.length) {
                        events++;
                        matched = 0;
                    }
                }
            }
            return events;
        }
    }

    /** Microseconds of the server per GET /health, one after another on one connection. */
    private double healths() throws IOException {
        Duration before = cpu();
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setTcpNoDelay(true);
            byte[] request = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
            byte[] buffer = new byte[4096];
            for (int i = 0; i < HEALTHS; i++) {
                socket.getOutputStream().write(request);
                int n = socket.getInputStream().read(buffer);
                if (n < 15 || buffer[9] != '2') {
                    throw new IllegalStateException(new String(buffer, 0, Math.max(0, n), StandardCharsets.US_ASCII));
                }
            }
        }
        return cpu().minus(before).toNanos() / 1e3 / HEALTHS;
    }

    private Duration cpu() {
        return server.info().totalCpuDuration().orElseThrow();
    }
}

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;

/**
 * Requests aborted at random moments, streamed and plain, closed and reset; then what is left: running, waiting, blocks, heap
 * after a collection, resident set. Usage: SoakClient PORT PID JDK [ABORTS]
 */
public final class SoakClient {
    private final int port;
    private final long pid;
    private final Path jdk;
    private final HttpClient http = HttpClient.newHttpClient();

    private SoakClient(int port, long pid, Path jdk) {
        this.port = port;
        this.pid = pid;
        this.jdk = jdk;
    }

    public static void main(String[] args) throws Exception {
        SoakClient client = new SoakClient(Integer.parseInt(args[0]), Long.parseLong(args[1]), Path.of(args[2]));
        int aborts = args.length > 3 ? Integer.parseInt(args[3]) : 10_000;
        // The level is that after as much work, so that class loading and compilation are not taken for a leak.
        client.abort(aborts, 1);
        double heapBefore = client.heap();
        double residentBefore = client.gauge("process_resident_memory_bytes");
        client.abort(aborts, 2);
        double heapAfter = client.heap();
        double residentAfter = client.gauge("process_resident_memory_bytes");
        System.out.printf(
                Locale.ROOT,
                "after %d aborted requests: running %.0f, waiting %.0f, KV cache in use %.3f, heap %.1f -> %.1f MiB (%+.1f %%), resident"
                        + " %.0f -> %.0f MiB (%+.1f %%)%n",
                aborts,
                client.gauge("vllm:num_requests_running"),
                client.gauge("vllm:num_requests_waiting"),
                client.gauge("vllm:kv_cache_usage_perc"),
                heapBefore / (1 << 20),
                heapAfter / (1 << 20),
                100 * (heapAfter / heapBefore - 1),
                residentBefore / (1 << 20),
                residentAfter / (1 << 20),
                100 * (residentAfter / residentBefore - 1));
        System.exit(0);
    }

    private void abort(int count, long seed) throws Exception {
        Random random = new Random(seed);
        Semaphore places = new Semaphore(64);
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < count; i++) {
                long stay = random.nextLong(60_000_000);
                boolean stream = random.nextBoolean();
                boolean reset = random.nextBoolean();
                int n = 1 + random.nextInt(3);
                places.acquire();
                clients.submit(() -> {
                    try {
                        once(stay, stream, reset, n);
                    } finally {
                        places.release();
                    }
                    return null;
                });
            }
        }
        while (gauge("vllm:num_requests_running") + gauge("vllm:num_requests_waiting") > 0) {
            LockSupport.parkNanos(20_000_000);
        }
    }

    private void once(long stayNanos, boolean stream, boolean reset, int n) throws IOException {
        String body = "{\"prompt\":\"Once upon a time there was\",\"max_tokens\":400,\"temperature\":1,\"ignore_eos\":true,\"n\":" + n
                + ",\"stream\":" + stream + "}";
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.getOutputStream()
                    .write(("POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
                                    + body.length() + "\r\n\r\n" + body)
                            .getBytes(StandardCharsets.US_ASCII));
            LockSupport.parkNanos(stayNanos);
            if (reset) {
                socket.setSoLinger(true, 0);
            }
        }
    }

    /** Bytes in use after two full collections. */
    private double heap() throws Exception {
        for (int i = 0; i < 2; i++) {
            new ProcessBuilder(jdk.resolve("bin/jcmd").toString(), String.valueOf(pid), "GC.run")
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
        }
        return gauge("jvm_memory_used_bytes");
    }

    private double gauge(String name) throws Exception {
        String text = http.send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/metrics")).build(),
                        HttpResponse.BodyHandlers.ofString())
                .body();
        return text.lines()
                .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no " + name));
    }
}

package dev.spandrel.engine.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The Hub on loopback: the listing, files by {@code resolve}, large ones behind a redirect to another authority, ranges,
 * and the ways it fails.
 */
final class HubDouble implements AutoCloseable {
    static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    final Map<String, byte[]> files = new TreeMap<>();
    /** Requests as {@code METHOD path range authorization}. */
    final List<String> requests = new CopyOnWriteArrayList<>();
    /** Bytes after which an answer breaks off, by file; each break happens once. */
    final Map<String, Integer> breaks = new TreeMap<>();
    /** Bytes after which an answer brings nothing more, by file; each stall happens once. */
    final Map<String, Integer> stalls = new TreeMap<>();
    /** How many requests for a file are answered 503. */
    final Map<String, Integer> failures = new ConcurrentHashMap<>();

    volatile int status = 200;
    volatile boolean continues = true;
    volatile boolean wrongHash;

    private final CountDownLatch over = new CountDownLatch(1);
    private final ExecutorService executor = Executors.newCachedThreadPool();
    private final HttpServer hub;
    private final HttpServer store;

    HubDouble() throws IOException {
        hub = server();
        store = server();
        hub.createContext("/api/models/", this::listing);
        hub.createContext("/owner/", this::resolve);
        store.createContext("/store/", this::file);
    }

    private HttpServer server() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(executor);
        server.start();
        return server;
    }

    URI endpoint() {
        return URI.create("http://127.0.0.1:" + hub.getAddress().getPort());
    }

    private void listing(HttpExchange exchange) throws IOException {
        note(exchange);
        if (status != 200) {
            exchange.getResponseHeaders().add("X-Error-Code", status == 403 ? "GatedRepo" : "RepoNotFound");
            answer(exchange, status, new byte[0]);
            return;
        }
        StringBuilder json = new StringBuilder("{\"sha\":\"" + COMMIT + "\",\"siblings\":[");
        files.forEach((name, bytes) -> json.append(json.charAt(json.length() - 1) == '[' ? "" : ",")
                .append("{\"rfilename\":\"" + name + "\",\"size\":" + bytes.length + ",\"blobId\":\"" + blobId(bytes)
                        + "\"")
                .append(
                        isLarge(name)
                                ? ",\"lfs\":{\"sha256\":\"" + sha256(bytes) + "\",\"size\":" + bytes.length + "}"
                                : "")
                .append("}"));
        answer(exchange, 200, json.append("]}").toString().getBytes(StandardCharsets.UTF_8));
    }

    private void resolve(HttpExchange exchange) throws IOException {
        String name = exchange.getRequestURI().getPath().replaceFirst(".*/", "");
        if (isLarge(name)) {
            note(exchange);
            exchange.getResponseHeaders()
                    .add("Location", "http://127.0.0.1:" + store.getAddress().getPort() + "/store/" + name);
            answer(exchange, 302, new byte[0]);
        } else {
            file(exchange);
        }
    }

    private void file(HttpExchange exchange) throws IOException {
        note(exchange);
        String name = exchange.getRequestURI().getPath().replaceFirst(".*/", "");
        if (failures.getOrDefault(name, 0) > 0) {
            failures.merge(name, -1, Integer::sum);
            answer(exchange, 503, new byte[0]);
            return;
        }
        byte[] bytes = files.get(name).clone();
        if (wrongHash && isLarge(name)) {
            bytes[bytes.length / 2] ^= 1;
        }
        String range = exchange.getRequestHeaders().getFirst("Range");
        int from = range != null && continues ? Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1")) : 0;
        Integer stall = stalls.remove(name);
        Integer end = stall == null ? breaks.remove(name) : stall;
        exchange.sendResponseHeaders(from > 0 ? 206 : 200, bytes.length - from);
        exchange.getResponseBody().write(bytes, from, (end == null ? bytes.length : end) - from);
        if (stall != null) {
            exchange.getResponseBody().flush();
            awaitTheEnd();
        }
        // Closing with bytes missing breaks the connection off.
        exchange.close();
    }

    private void awaitTheEnd() {
        try {
            over.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void answer(HttpExchange exchange, int status, byte[] body) throws IOException {
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private void note(HttpExchange exchange) {
        requests.add(exchange.getRequestURI().getPath() + " "
                + exchange.getRequestHeaders().getFirst("Range") + " "
                + exchange.getRequestHeaders().getFirst("Authorization"));
    }

    static boolean isLarge(String name) {
        return name.endsWith(".bin") || name.endsWith(".safetensors") || name.endsWith(".gguf");
    }

    static String sha256(byte[] bytes) {
        return hex("SHA-256", bytes);
    }

    private static String blobId(byte[] bytes) {
        byte[] head = ("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII);
        byte[] all = java.util.Arrays.copyOf(head, head.length + bytes.length);
        System.arraycopy(bytes, 0, all, head.length, bytes.length);
        return hex("SHA-1", all);
    }

    private static String hex(String algorithm, byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        over.countDown();
        hub.stop(0);
        store.stop(0);
        executor.shutdownNow();
    }
}

package dev.spandrel.server.process;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;

/** A folder on loopback as the Hub serves a model: the listing with sizes and hashes, files by {@code resolve}. */
final class HubDouble implements AutoCloseable {
    private static final String COMMIT = "27dcfa74d334bc871f3234de431e71c6eeba5dd6";

    /** Paths asked for. */
    final List<String> requests = new CopyOnWriteArrayList<>();

    private final String id;
    private final Path folder;
    private final HttpServer server;

    HubDouble(String id, Path folder) throws IOException {
        this.id = id;
        this.folder = folder;
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    String endpoint() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private void answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        requests.add(path);
        if (path.equals("/api/models/" + id + "/revision/main")) {
            send(exchange, 200, listing().getBytes(StandardCharsets.UTF_8));
        } else if (path.startsWith("/" + id + "/resolve/" + COMMIT + "/")) {
            send(exchange, 200, Files.readAllBytes(folder.resolve(path.substring(path.lastIndexOf('/') + 1))));
        } else {
            exchange.getResponseHeaders().add("X-Error-Code", "RepoNotFound");
            send(exchange, 401, new byte[0]);
        }
    }

    private static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private String listing() throws IOException {
        StringBuilder json = new StringBuilder("{\"id\":\"" + id + "\",\"sha\":\"" + COMMIT + "\",\"siblings\":[");
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.sorted().toList()) {
                json.append(json.charAt(json.length() - 1) == '[' ? "" : ",").append(entry(file));
            }
        }
        return json.append("]}").toString();
    }

    private static String entry(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        String name = file.getFileName().toString();
        String blob = hash("SHA-1", ("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII), bytes);
        String large = name.endsWith(".bin")
                ? ",\"lfs\":{\"sha256\":\"" + hash("SHA-256", bytes) + "\",\"size\":" + bytes.length + "}"
                : "";
        return "{\"rfilename\":\"" + name + "\",\"size\":" + bytes.length + ",\"blobId\":\"" + blob + "\"" + large
                + "}";
    }

    private static String hash(String algorithm, byte[]... parts) {
        try {
            MessageDigest digest = MessageDigest.getInstance(algorithm);
            for (byte[] part : parts) {
                digest.update(part);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}

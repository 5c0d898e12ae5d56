package dev.spandrel.sidecar;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.sidecar.exporter.InvalidConfigException;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.testing.BackendDouble;
import dev.spandrel.sidecar.testing.Eventually;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.GZIPOutputStream;

/** A sidecar in this process, started as {@link TestConfig} says, and what tests ask of it. */
final class TestSidecar {
    static final HttpClient HTTP = HttpClient.newHttpClient();

    private TestSidecar() {}

    static Sidecar start(Path folder, Map<String, String> variables, String... flags)
            throws InvalidConfigException, StartException {
        return Sidecar.start(TestConfig.of(folder, variables, flags), System.out);
    }

    static Map<String, String> to(BackendDouble backend, String protocol) {
        int port = protocol.equals("grpc") ? backend.grpcPort() : backend.httpPort();
        Map<String, String> variables = new HashMap<>();
        variables.put("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
        variables.put("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:" + port);
        return variables;
    }

    static HttpResponse<byte[]> post(Sidecar sidecar, String path, byte[] body, String... headers)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + sidecar.doors().httpPort() + path))
                .header("Content-Type", "application/x-protobuf")
                .POST(HttpRequest.BodyPublishers.ofByteArray(body));
        for (int i = 0; i < headers.length; i += 2) {
            request.setHeader(headers[i], headers[i + 1]);
        }
        return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    static byte[] gzip(byte[] body) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
            out.write(body);
        }
        return bytes.toByteArray();
    }

    static void awaitBalanced(Sidecar sidecar, Signal signal, long received) {
        Eventually.that(
                () -> sidecar.ledger("default", signal).received() == received
                        && sidecar.ledger("default", signal).queued() == 0,
                () -> sidecar.ledger("default", signal));
        assertThat(sidecar.ledger("default", signal).balanced()).isTrue();
        Eventually.that(
                () -> sidecar.journal(signal).items() == 0,
                () -> sidecar.journal(signal).items());
    }

    static String page(Sidecar sidecar, String path) throws IOException, InterruptedException {
        return HTTP.send(
                        HttpRequest.newBuilder(URI.create(
                                        "http://127.0.0.1:" + sidecar.doors().healthPort() + path))
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .body();
    }
}

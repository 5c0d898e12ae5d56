package dev.spandrel.server.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.http.TestCertificate;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A server as it is deployed: TLS, keys from a file, an access log, and a SIGTERM while it answers. */
class OperationsIT {
    private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

    @TempDir
    private Path folder;

    @Test
    void deployedAndStoppedInGoodOrder() throws Exception {
        TestCertificate certificate = TestCertificate.make(folder, "server", "EC");
        Path chain = folder.resolve("tls.crt");
        Path key = folder.resolve("tls.key");
        certificate.write(chain, key);
        Path keys = Files.writeString(folder.resolve("keys"), "a-key\n");
        try (OtlpBackend backend = new OtlpBackend();
                LaunchedProcess server = Launcher.serve(
                                "--ssl-certfile",
                                chain.toString(),
                                "--ssl-keyfile",
                                key.toString(),
                                "--api-key-file",
                                keys.toString(),
                                "--access-log",
                                "--disable-access-log-for-endpoints",
                                "/health,/metrics",
                                "--shutdown-timeout",
                                "60",
                                "--otlp-traces-endpoint",
                                "127.0.0.1:" + backend.grpcPort())
                        .start();
                HttpClient http = HttpClient.newBuilder()
                        .sslContext(certificate.client(null))
                        .build()) {
            String root = "https://127.0.0.1:" + server.awaitServerPort();
            assertThat(status(http, root + "/health")).isEqualTo(200);
            assertThat(status(http, root + "/v1/models")).isEqualTo(401);

            HttpResponse<InputStream> stream = http.send(completion(root), HttpResponse.BodyHandlers.ofInputStream());
            assertThat(stream.statusCode()).isEqualTo(200);
            BufferedReader events = new BufferedReader(new InputStreamReader(stream.body(), StandardCharsets.UTF_8));
            assertThat(events.readLine()).startsWith("data: {");
            server.terminate();
            Await.until("refused connections", () -> refuses(http, root), server::toString);
            assertThat(events.lines().filter(line -> !line.isEmpty()).toList())
                    .last()
                    .isEqualTo("data: [DONE]");

            assertThat(server.awaitExit()).as("%s", server).isZero();
            ReceivedSpan request =
                    backend.await("llm_request", span -> span.name().equals("llm_request"), server);
            assertThat(request.traceId()).isEqualTo(TRACE);
            List<JsonNode> lines = server.out()
                    .lines()
                    .filter(line -> line.startsWith("{"))
                    .map(Api::json)
                    .toList();
            assertThat(lines).extracting(line -> line.path("status").asInt()).containsExactly(401, 200);
            assertThat(lines.getLast().path("trace_id").asString()).isEqualTo(TRACE);
            assertThat(lines.getLast().path("span_id").asString()).isEqualTo(request.parentId());
        }
    }

    @Test
    void theDoctorFindsNothingWrongHere() throws Exception {
        try (LaunchedProcess doctor = Launcher.spandrel("doctor", "--port", "0").start()) {
            assertThat(doctor.awaitExit()).as("%s", doctor).isZero();
            assertThat(doctor.out()).contains("ok     backend cpu", "ok     kernels", "Nothing is wrong.");
        }
    }

    private static boolean refuses(HttpClient http, String root) {
        try (HttpClient fresh =
                HttpClient.newBuilder().sslContext(http.sslContext()).build()) {
            return status(fresh, root + "/health") == 503;
        } catch (java.io.IOException e) {
            return true;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static int status(HttpClient http, String url) throws java.io.IOException, InterruptedException {
        return http.send(
                        HttpRequest.newBuilder(URI.create(url))
                                .timeout(Duration.ofSeconds(30))
                                .build(),
                        HttpResponse.BodyHandlers.discarding())
                .statusCode();
    }

    private static HttpRequest completion(String root) {
        return HttpRequest.newBuilder(URI.create(root + "/v1/completions"))
                .header("Authorization", "Bearer a-key")
                .header("traceparent", "00-" + TRACE + "-00f067aa0ba902b7-01")
                .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\": \"Once upon a time\", \"max_tokens\": 400,"
                        + " \"ignore_eos\": true, \"stream\": true, \"seed\": 1}"))
                .build();
    }
}

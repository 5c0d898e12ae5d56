package dev.spandrel.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.EngineException;
import dev.spandrel.server.telemetry.OtlpSettings;
import dev.spandrel.server.telemetry.TraceSettings;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Start and stop of the whole server, over a scripted engine. */
class SpandrelServerTest {
    private final ScriptedEngine engine = new ScriptedEngine();

    @Test
    void readyLineSaysItAll() {
        try (SpandrelServer server = start(0, Duration.ZERO)) {
            assertThat(server.readyLine())
                    .isEqualTo("spandrel-server ready: http://127.0.0.1:" + server.port()
                            + ", model named (OPTForCausalLM, 3.2M parameters), backend=scripted, traces off:"
                            + " --otlp-traces-endpoint or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT turns them on");
            HttpResponse<String> response = post(server).join();
            assertThat(response.body()).contains("\"model\":\"named\"");
        }
    }

    @Test
    void takenPortIsToldBeforeTheModelIsLoaded() throws IOException {
        try (ServerSocket taken = new ServerSocket(0)) {
            ServerConfig config = config(taken.getLocalPort(), Duration.ZERO);
            assertThatThrownBy(() -> SpandrelServer.start(config, _ -> {
                        throw new IllegalStateException("the model was loaded");
                    }))
                    .isInstanceOf(StartException.class)
                    .hasMessageContaining("port " + taken.getLocalPort())
                    .hasMessageContaining("--port");
        }
    }

    @Test
    void modelThatDoesNotLoadIsPassedOn() {
        assertThatThrownBy(() -> SpandrelServer.start(config(0, Duration.ZERO), _ -> {
                    throw new EngineException.ModelLoad("m", "no config.json");
                }))
                .isInstanceOf(EngineException.ModelLoad.class);
    }

    @Test
    void withoutATimeoutStoppingAbortsWhatRuns() throws Exception {
        engine.script(ScriptedGeneration::silent);
        SpandrelServer server = start(0, Duration.ZERO);
        CompletableFuture<HttpResponse<String>> running = post(server);
        Waiting.until(() -> engine.running() == 1, "a generation runs");
        server.close();
        HttpResponse<String> response = running.get(20, TimeUnit.SECONDS);
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.body()).contains("\"finish_reason\":\"abort\"");
        assertThat(engine.healthy()).isFalse();
    }

    @Test
    void withATimeoutWhatRunsIsFinished() throws Exception {
        engine.script(ScriptedGeneration::silent);
        SpandrelServer server = start(0, Duration.ofSeconds(20));
        CompletableFuture<HttpResponse<String>> running = post(server);
        ScriptedGeneration generation = engine.submitted();
        generation.awaitReader();
        int port = server.port();
        Thread stopping = Thread.ofVirtual().start(server::close);
        Waiting.until(() -> refused(port), "new connections are refused");
        assertThat(engine.healthy()).isTrue();
        generation.finish("done", dev.spandrel.engine.FinishReason.STOP);
        assertThat(running.get(20, TimeUnit.SECONDS).body()).contains("\"text\":\"done\"");
        stopping.join(Duration.ofSeconds(20));
        assertThat(engine.healthy()).isFalse();
    }

    /** Nobody waits for it on a connection. */
    @Test
    void withATimeoutAnswersInTheBackgroundAreFinished() throws Exception {
        engine.script(ScriptedGeneration::silent);
        SpandrelServer server = start(0, Duration.ofSeconds(20));
        HttpResponse<String> queued = post(server, "/v1/responses", "{\"input\":\"a\",\"background\":true}")
                .join();
        assertThat(queued.body()).contains("\"status\":\"queued\"");
        ScriptedGeneration generation = engine.submitted();
        generation.awaitReader();
        int port = server.port();
        Thread stopping = Thread.ofVirtual().start(server::close);
        Waiting.until(() -> refused(port), "new connections are refused");
        assertThat(engine.healthy()).isTrue();
        assertThat(stopping.isAlive()).isTrue();
        generation.finish("done", dev.spandrel.engine.FinishReason.STOP);
        stopping.join(Duration.ofSeconds(20));
        assertThat(engine.healthy()).isFalse();
    }

    private SpandrelServer start(int port, Duration shutdownTimeout) {
        return SpandrelServer.start(config(port, shutdownTimeout), _ -> engine);
    }

    private static ServerConfig config(int port, Duration shutdownTimeout) {
        return new ServerConfig(
                EngineConfig.of("scripted").build(),
                new dev.spandrel.server.openai.ApiSettings(
                        List.of("named"),
                        false,
                        20,
                        dev.spandrel.engine.Pooling.LAST,
                        java.util.Optional.empty(),
                        false,
                        false,
                        false,
                        false,
                        dev.spandrel.server.openai.Fingerprint.DEFAULT,
                        dev.spandrel.server.openai.RequestDefaults.NONE),
                null,
                port,
                OtlpSettings.resolve(null, Map.<String, String>of()::get),
                true,
                TraceSettings.DEFAULT,
                0,
                ListenerSettings.DEFAULT,
                shutdownTimeout,
                Duration.ofSeconds(30),
                "1.2.3");
    }

    private static CompletableFuture<HttpResponse<String>> post(SpandrelServer server) {
        return post(server, "/v1/completions", "{\"prompt\":\"a\"}");
    }

    private static CompletableFuture<HttpResponse<String>> post(SpandrelServer server, String path, String body) {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        return HttpClient.newHttpClient().sendAsync(request, HttpResponse.BodyHandlers.ofString());
    }

    private static boolean refused(int port) {
        try (java.net.Socket socket = new java.net.Socket("127.0.0.1", port)) {
            return !socket.isConnected();
        } catch (IOException e) {
            return true;
        }
    }
}

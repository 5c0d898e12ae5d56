package dev.spandrel.server;

import dev.spandrel.server.http.WriteWatchdog;
import dev.spandrel.server.openai.ApiContext;
import dev.spandrel.server.openai.Fingerprint;
import dev.spandrel.server.openai.GenerationListener;
import dev.spandrel.server.openai.RequestDefaults;
import dev.spandrel.server.openai.ServedModel;
import dev.spandrel.server.telemetry.EngineMetrics;
import io.helidon.common.tls.Tls;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.WebServerConfig;
import io.helidon.webserver.http.Filter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The API over a {@link ScriptedEngine} on a free port of loopback, with a clock the test holds. */
public final class TestServer implements AutoCloseable {
    public static final JsonMapper JSON = JsonMapper.builder().build();
    public static final Duration WRITE_TIMEOUT = Duration.ofMillis(300);

    private final ScriptedEngine engine;
    private final AtomicBoolean draining = new AtomicBoolean();
    private final WriteWatchdog watchdog;
    private final WebServer server;
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .build();

    private TestServer(
            ScriptedEngine engine,
            EngineMetrics metrics,
            GenerationListener listener,
            List<Filter> filters,
            ListenerSettings settings,
            Optional<Tls> tls) {
        this(engine, metrics, listener, filters, settings, tls, ServedModels.scripted(engine));
    }

    private TestServer(
            ScriptedEngine engine,
            EngineMetrics metrics,
            GenerationListener listener,
            List<Filter> filters,
            ListenerSettings settings,
            Optional<Tls> tls,
            ServedModel model) {
        this(engine, metrics, listener, filters, settings, tls, model, WRITE_TIMEOUT);
    }

    private TestServer(
            ScriptedEngine engine,
            EngineMetrics metrics,
            GenerationListener listener,
            List<Filter> filters,
            ListenerSettings settings,
            Optional<Tls> tls,
            ServedModel model,
            Duration writeTimeout) {
        this.engine = engine;
        this.watchdog = new WriteWatchdog(writeTimeout, System::nanoTime);
        ApiRouting.Prepared http = ApiRouting.prepare(settings);
        WebServerConfig.Builder config = http.server()
                .shutdownHook(false)
                .shutdownGracePeriod(Duration.ofMillis(100))
                .address(InetAddress.getLoopbackAddress())
                .port(0);
        config.routing(ApiRouting.complete(
                http.routing(), api(engine, model, metrics, listener, watchdog, draining), metrics, filters, settings));
        tls.ifPresent(config::tls);
        server = config.build().start();
    }

    /** Over an engine, with nobody listening. */
    public static TestServer start(ScriptedEngine engine) {
        return start(engine, new EngineMetrics(), (_, _) -> {}, List.of());
    }

    /** With everything that is off by default. */
    public static TestServer offeringAll(ScriptedEngine engine) {
        return serving(engine, ServedModels.scripted(engine, ServedModels.settings(20, true)));
    }

    /** With what an operator says about requests. */
    public static TestServer start(ScriptedEngine engine, RequestDefaults defaults) {
        return serving(engine, ServedModels.scripted(engine, ServedModels.settings(defaults)));
    }

    /** With another {@code system_fingerprint}. */
    public static TestServer start(ScriptedEngine engine, Fingerprint fingerprint) {
        return serving(engine, ServedModels.scripted(engine, ServedModels.settings(RequestDefaults.NONE, fingerprint)));
    }

    private static TestServer serving(ScriptedEngine engine, ServedModel model) {
        return new TestServer(
                engine,
                new EngineMetrics(),
                (_, _) -> {},
                List.of(),
                ListenerSettings.DEFAULT,
                Optional.empty(),
                model);
    }

    /** With as much time for large bodies as a busy machine may need. */
    public static TestServer patient(ScriptedEngine engine, GenerationListener listener) {
        return new TestServer(
                engine,
                new EngineMetrics(),
                listener,
                List.of(),
                ListenerSettings.DEFAULT,
                Optional.empty(),
                ServedModels.scripted(engine),
                Duration.ofSeconds(60));
    }

    /** With listeners and filters of the test's. */
    public static TestServer start(
            ScriptedEngine engine, EngineMetrics metrics, GenerationListener listener, List<Filter> filters) {
        return new TestServer(engine, metrics, listener, filters, ListenerSettings.DEFAULT, Optional.empty());
    }

    /** With settings of the test's. */
    public static TestServer start(ScriptedEngine engine, ListenerSettings settings) {
        return new TestServer(engine, new EngineMetrics(), (_, _) -> {}, List.of(), settings, Optional.empty());
    }

    /** Under TLS; {@link #port} and {@link #engine} are of use then. */
    public static TestServer start(ScriptedEngine engine, Tls tls) {
        return new TestServer(
                engine, new EngineMetrics(), (_, _) -> {}, List.of(), ListenerSettings.DEFAULT, Optional.of(tls));
    }

    private static ApiContext api(
            ScriptedEngine engine,
            ServedModel model,
            EngineMetrics metrics,
            GenerationListener listener,
            WriteWatchdog watchdog,
            AtomicBoolean draining) {
        metrics.loaded(new EngineMetrics.CacheInfo(ScriptedEngine.MAX_MODEL_LEN, true, "auto", 2));
        return new ApiContext(
                engine,
                model,
                listener,
                watchdog,
                draining::get,
                _ -> {},
                new AtomicLong(1_000_000_000)::get,
                InstantSource.system(),
                new Random(42));
    }

    /** The production settings and routing on a listener that someone else makes. */
    static void configure(WebServerConfig.Builder config, ScriptedEngine engine) {
        EngineMetrics metrics = new EngineMetrics();
        ApiRouting.Prepared http = ApiRouting.prepare(ListenerSettings.DEFAULT);
        ApiContext api = api(
                engine,
                ServedModels.scripted(engine),
                metrics,
                (_, _) -> {},
                new WriteWatchdog(WRITE_TIMEOUT, System::nanoTime),
                new AtomicBoolean());
        ApiRouting.configure(config, ListenerSettings.DEFAULT);
        config.routing(ApiRouting.complete(http.routing(), api, metrics, List.of(), ListenerSettings.DEFAULT));
    }

    public ScriptedEngine engine() {
        return engine;
    }

    public void draining(boolean value) {
        draining.set(value);
    }

    public int port() {
        return server.port();
    }

    public URI uri(String path) {
        return URI.create("http://localhost:" + port() + path);
    }

    public HttpResponse<String> post(String path, String body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri(path))
                .timeout(Duration.ofSeconds(20))
                .POST(HttpRequest.BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return send(request.build());
    }

    public HttpResponse<String> get(String path) {
        return send(HttpRequest.newBuilder(uri(path))
                .timeout(Duration.ofSeconds(20))
                .build());
    }

    public HttpResponse<String> send(HttpRequest request) {
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    public JsonNode completion(String body) {
        HttpResponse<String> response = post("/v1/completions", body);
        if (response.statusCode() != 200) {
            throw new AssertionError(response.statusCode() + " " + response.body());
        }
        return JSON.readTree(response.body());
    }

    /** A raw connection, for what no HTTP client does. */
    public Socket connect() throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port());
        socket.setSoTimeout(20_000);
        return socket;
    }

    @Override
    public void close() {
        http.close();
        server.stop();
        watchdog.close();
    }
}

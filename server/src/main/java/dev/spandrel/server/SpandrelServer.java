package dev.spandrel.server;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.ModelInfo;
import dev.spandrel.server.http.ReloadingTls;
import dev.spandrel.server.http.WriteWatchdog;
import dev.spandrel.server.openai.ApiContext;
import dev.spandrel.server.openai.ChatCompletionsService;
import dev.spandrel.server.openai.CompletionsService;
import dev.spandrel.server.openai.EmbeddingsService;
import dev.spandrel.server.openai.GenerationListener;
import dev.spandrel.server.openai.RequestIdHeader;
import dev.spandrel.server.openai.RequestLog;
import dev.spandrel.server.openai.ResponsesService;
import dev.spandrel.server.openai.ServedModel;
import dev.spandrel.server.openai.tools.ToolCallFamily;
import dev.spandrel.server.telemetry.AccessLog;
import dev.spandrel.server.telemetry.EngineMetrics;
import dev.spandrel.server.telemetry.GenerationSpans;
import dev.spandrel.server.telemetry.Hardware;
import dev.spandrel.server.telemetry.HttpSpans;
import dev.spandrel.server.telemetry.RequestScope;
import dev.spandrel.server.telemetry.ServerMetrics;
import dev.spandrel.server.telemetry.StepListeners;
import dev.spandrel.server.telemetry.StepSpans;
import dev.spandrel.server.telemetry.Telemetry;
import dev.spandrel.server.telemetry.UntracedNotice;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.WebServerConfig;
import io.helidon.webserver.http.Filter;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.random.RandomGenerator;

/**
 * A running server: engine, listener and telemetry, started in this order and stopped in the reverse one. Stopping takes
 * no new requests at once, lets running ones go on for the configured time, aborts the rest, and flushes telemetry.
 */
public final class SpandrelServer implements AutoCloseable {
    /** After running generations were aborted their last chunks need only be written. */
    private static final Duration LAST_WRITES = Duration.ofSeconds(2);

    private final ServerConfig config;
    private final Engine engine;
    private final ServedModel model;
    private final Optional<Telemetry> telemetry;
    private final StepSpans steps;
    private final WriteWatchdog watchdog;
    private final WebServer listener;
    private final Optional<ReloadingTls> tls;
    private final Optional<AccessLog> accessLog;
    private final Optional<RequestLog> requestLog;
    private final AtomicBoolean draining;
    private final InFlight inFlight;
    private final AtomicBoolean stopped = new AtomicBoolean();
    private final CountDownLatch end = new CountDownLatch(1);

    private SpandrelServer(
            ServerConfig config,
            Engine engine,
            EngineMetrics metrics,
            StepSpans steps,
            Optional<Telemetry> telemetry,
            ApiRouting.Prepared http,
            Optional<ReloadingTls> tls,
            Ports ports) {
        this.tls = tls;
        this.accessLog = config.listener().accessLog()
                ? Optional.of(new AccessLog(
                        System.out,
                        config.listener().accessLogLeftOut(),
                        InstantSource.system(),
                        config.engine().nanoClock()))
                : Optional.empty();
        accessLog.ifPresent(metrics::accessLog);
        this.requestLog = config.listener()
                .requestLog()
                .map(settings -> new RequestLog(settings, System.out, InstantSource.system()));
        this.config = config;
        this.engine = engine;
        this.telemetry = telemetry;
        this.steps = steps;
        telemetry.ifPresent(steps::start);
        this.draining = new AtomicBoolean();
        this.inFlight = new InFlight();
        this.watchdog = new WriteWatchdog(config.writeTimeout(), System::nanoTime);
        this.model = served(config, engine);
        metrics.loaded(new EngineMetrics.CacheInfo(
                engine.model().maxModelLen(),
                config.engine().prefixCaching(),
                config.engine().kvCacheDType(),
                config.engine().speculation().numSpeculativeTokens()));
        ApiContext api = new ApiContext(
                engine,
                model,
                listeners(metrics),
                watchdog,
                draining::get,
                inFlight::add,
                config.engine().nanoClock(),
                InstantSource.system(),
                RandomGenerator.getDefault());
        this.listener = listen(api, metrics, http, ports);
    }

    /**
     * Loads the model and listens.
     *
     * @param engines opens the engine, {@code Engine::open} outside tests
     * @throws dev.spandrel.engine.EngineException.ModelLoad when the model cannot be run
     * @throws dev.spandrel.server.telemetry.TelemetryConfigException when an OTEL_* variable cannot be followed
     * @throws StartException when the port cannot be had
     */
    public static SpandrelServer start(ServerConfig config, Function<EngineConfig, Engine> engines) {
        try (TelemetryStart telemetry = TelemetryStart.begin(
                config.otlp(), () -> hardware(config.engine()), config.engine().nanoClock())) {
            try {
                SpandrelServer server = start(config, engines, telemetry);
                telemetry.succeeded();
                return server;
            } catch (RuntimeException | Error e) {
                telemetry.failed(e);
                throw e;
            }
        }
    }

    /** Of the GPU, where the engine may run on one. */
    private static Map<String, String> hardware(EngineConfig engine) {
        boolean cuda = engine.backend().equals("auto") || engine.backend().equals("cuda");
        return cuda ? Hardware.of(Engine.cudaStatus(engine.cudaLibraryPath())) : Map.of();
    }

    private static SpandrelServer start(
            ServerConfig config, Function<EngineConfig, Engine> engines, TelemetryStart telemetry) {
        Ports ports = Ports.check(config.host(), config.port());
        Optional<ReloadingTls> tls = tls(config.listener());
        EngineMetrics metrics = new EngineMetrics(config.kvCacheMetricsSample());
        StepSpans steps = new StepSpans(
                config.tracing(),
                RandomGenerator.getDefault()::nextDouble,
                InstantSource.system(),
                config.engine().nanoClock());
        // SDK and listener take a few hundred milliseconds each, which the engine's loading hides on a second core.
        CompletableFuture<ApiRouting.Prepared> http = CompletableFuture.supplyAsync(
                () -> ApiRouting.prepare(config.listener()),
                task -> Thread.ofPlatform().daemon().name("listener-start").start(task));
        Engine engine =
                engines.apply(config.engine().withStepListener(new StepListeners(metrics, steps, telemetry::phase)));
        try {
            return new SpandrelServer(config, engine, metrics, steps, telemetry.await(), http.join(), tls, ports);
        } catch (RuntimeException e) {
            engine.close();
            throw e;
        }
    }

    private static Optional<ReloadingTls> tls(ListenerSettings settings) {
        Duration interval = settings.tlsRefresh() ? ReloadingTls.INTERVAL : Duration.ZERO;
        try {
            return settings.tls().map(files -> new ReloadingTls(files, interval));
        } catch (IllegalArgumentException e) {
            throw new StartException(e.getMessage(), e);
        }
    }

    private static ServedModel served(ServerConfig config, Engine engine) {
        ModelInfo info = engine.model();
        checkTokens(config, info);
        List<String> names = config.api().servedModelNames().isEmpty()
                ? List.of(info.name())
                : config.api().servedModelNames();
        long created = InstantSource.system().instant().getEpochSecond();
        return new ServedModel(
                info,
                names,
                created,
                config.engine().maxWaiting(),
                config.engine().schedulingPolicy().equals("priority"),
                config.api(),
                config.api().toolCallFamily().or(() -> engine.chatTemplate().flatMap(ToolCallFamily::of)),
                config.version(),
                config.api().fingerprint().of(info, config.engine(), config.version()));
    }

    private static void checkTokens(ServerConfig config, ModelInfo info) {
        try {
            config.api().defaults().generation().checkVocabulary(info.vocabSize());
        } catch (IllegalArgumentException e) {
            throw new StartException(e.getMessage(), e);
        }
    }

    private GenerationListener listeners(EngineMetrics metrics) {
        List<GenerationListener> listeners = new ArrayList<>(List.of(metrics));
        requestLog.ifPresent(listeners::add);
        telemetry.ifPresentOrElse(
                sdk -> {
                    metrics.traced(sdk);
                    listeners.add(new GenerationSpans(
                            sdk,
                            config.tracing(),
                            InstantSource.system(),
                            config.engine().nanoClock()));
                    if (sdk.metrics()) {
                        listeners.add(new ServerMetrics(sdk, engine));
                    }
                },
                () -> listeners.add(new UntracedNotice()));
        return GenerationListener.of(listeners);
    }

    private WebServer listen(ApiContext api, EngineMetrics metrics, ApiRouting.Prepared http, Ports ports) {
        List<Filter> filters = new ArrayList<>();
        filters.add(inFlight);
        if (config.api().requestIdHeaders()) {
            filters.add(new RequestIdHeader(RandomGenerator.getDefault()));
        }
        telemetry.map(this::tracing).ifPresent(filters::add);
        // Inside of tracing, so that its lines name the span.
        accessLog.ifPresent(filters::add);
        WebServerConfig.Builder server = http.server()
                .shutdownHook(false)
                .shutdownGracePeriod(config.shutdownTimeout().plus(LAST_WRITES))
                .bindAddress(ports.address())
                .routing(ApiRouting.complete(http.routing(), api, metrics, filters, config.listener()));
        tls.ifPresent(reloading -> server.tls(reloading.tls()));
        try {
            return server.build().start();
        } catch (UncheckedIOException e) {
            throw ports.taken(e);
        }
    }

    private Filter tracing(Telemetry sdk) {
        return config.httpSpans()
                ? new HttpSpans(
                        sdk,
                        ApiRouting.routes(),
                        InstantSource.system(),
                        config.engine().nanoClock())
                : new RequestScope(
                        sdk,
                        Set.of(
                                CompletionsService.PATH,
                                ChatCompletionsService.PATH,
                                ChatCompletionsService.BATCH,
                                ResponsesService.PATH,
                                EmbeddingsService.PATH),
                        InstantSource.system(),
                        config.engine().nanoClock());
    }

    /** The port listened on. */
    public int port() {
        return listener.port();
    }

    /** One line that says all a user wants to know first. */
    public String readyLine() {
        ModelInfo info = model.info();
        return "spandrel-server ready: " + url() + ", model " + model.names().getFirst() + " (" + info.architecture()
                + ", " + Magnitudes.of(info.parameters()) + " parameters), " + info.backend() + ", "
                + config.otlp().describe();
    }

    private String url() {
        InetSocketAddress address = Ports.address(config.host(), listener.port());
        String host = address.getAddress().isAnyLocalAddress() ? "127.0.0.1" : config.host();
        return (tls.isPresent() ? "https://" : "http://") + (host.contains(":") ? "[" + host + "]" : host) + ":"
                + listener.port();
    }

    /** Blocks until the server has stopped. */
    public void awaitStop() throws InterruptedException {
        end.await();
    }

    /** Stops in order; returns when all is over. Harmless when repeated. */
    @Override
    public void close() {
        if (!stopped.compareAndSet(false, true)) {
            return;
        }
        draining.set(true);
        // Closes the listening socket and idle connections at once, then waits for the others.
        Thread closing = Thread.ofPlatform().name("listener-stop").start(listener::stop);
        inFlight.await(config.shutdownTimeout());
        engine.close();
        // What goes on without a client has no listener to wait for it, and its spans are still to come.
        inFlight.await(LAST_WRITES);
        join(closing);
        watchdog.close();
        tls.ifPresent(ReloadingTls::close);
        accessLog.ifPresent(AccessLog::close);
        requestLog.ifPresent(RequestLog::close);
        steps.close();
        telemetry.ifPresent(Telemetry::close);
        end.countDown();
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

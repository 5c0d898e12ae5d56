package dev.spandrel.sidecar;

import dev.spandrel.sidecar.admin.AdminServer;
import dev.spandrel.sidecar.admin.TracePrinter;
import dev.spandrel.sidecar.batch.Batcher;
import dev.spandrel.sidecar.delivery.ExportSpans;
import dev.spandrel.sidecar.delivery.Lane;
import dev.spandrel.sidecar.delivery.LaneContext;
import dev.spandrel.sidecar.exporter.Exporter;
import dev.spandrel.sidecar.exporter.ExporterConfig;
import dev.spandrel.sidecar.exporter.Exporters;
import dev.spandrel.sidecar.exporter.InvalidConfigException;
import dev.spandrel.sidecar.exporter.RetryPolicy;
import dev.spandrel.sidecar.journal.Journal;
import dev.spandrel.sidecar.journal.JournalReader;
import dev.spandrel.sidecar.metrics.Ledger;
import dev.spandrel.sidecar.metrics.MetricRegistry;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.page.TracePage;
import dev.spandrel.sidecar.receiver.InFlightBytes;
import dev.spandrel.sidecar.receiver.Intake;
import dev.spandrel.sidecar.receiver.OtlpGrpcReceiver;
import dev.spandrel.sidecar.receiver.OtlpHttpReceiver;
import dev.spandrel.sidecar.receiver.ReceiverLimits;
import dev.spandrel.sidecar.time.Ticker;
import dev.spandrel.sidecar.transport.EventLoops;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The sidecar, wired back to front: journals, lanes to the backend, and last the receivers, so that nothing is accepted
 * before it can be kept. {@link #close} goes front to back: stop accepting, hand over what is queued until the deadline,
 * leave the rest where it is.
 */
final class Sidecar implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Sidecar.class.getName());
    private static final Duration FIRST_RETRY = Duration.ofMillis(500);
    private static final Duration LONGEST_RETRY = Duration.ofSeconds(30);
    private static final Duration MAX_REQUEST_TIME = Duration.ofSeconds(30);
    private static final Duration RECEIVER_GRACE = Duration.ofSeconds(2);

    /** Beside the largest request there is room for ordinary ones. */
    private static final long SPARE_IN_FLIGHT = 32 << 20;

    private final SidecarConfig config;
    private final Ticker ticker;
    private final MetricRegistry metrics = new MetricRegistry();
    private final List<Lane> lanes = new ArrayList<>();
    private final TracePrinter printer;
    private final EventLoops loops = EventLoops.open();
    private final TracePage page;
    private Journals journals;
    private OtlpGrpcReceiver grpc;
    private OtlpHttpReceiver http;
    private AdminServer admin;
    private volatile boolean accepting;

    private Sidecar(SidecarConfig config, PrintStream out, Ticker ticker) {
        this.config = config;
        this.ticker = ticker;
        this.printer = config.printTraces() ? new TracePrinter(out, ticker) : null;
        this.page = config.page().isPresent() ? new TracePage(ticker) : null;
    }

    /** Starts a sidecar and returns when everything listens. */
    static Sidecar start(SidecarConfig config, PrintStream out) throws StartException {
        Sidecar sidecar = new Sidecar(config, out, Ticker.SYSTEM);
        try {
            sidecar.refuseOwnListeners(List.of(
                    new InetSocketAddress(config.host(), config.grpcPort()),
                    new InetSocketAddress(config.host(), config.httpPort()),
                    new InetSocketAddress(config.healthHost(), config.healthPort())));
            sidecar.open();
            sidecar.listen();
            return sidecar;
        } catch (StartException e) {
            sidecar.close();
            throw e;
        }
    }

    private void refuseOwnListeners(List<InetSocketAddress> listeners) throws StartException {
        OwnListeners own = new OwnListeners(listeners);
        for (Destination destination : config.destinations()) {
            for (Map.Entry<Signal, ExporterConfig> exporter :
                    destination.exporters().entrySet()) {
                if (own.reachedBy(exporter.getValue().endpoint())) {
                    throw new StartException(
                            StartException.USAGE,
                            "the destination of %s, %s, is this sidecar itself; set OTEL_EXPORTER_OTLP_ENDPOINT or --otlp-endpoint to the backend"
                                    .formatted(
                                            exporter.getKey().word(),
                                            exporter.getValue().shown()));
                }
            }
        }
    }

    private void open() throws StartException {
        journals = Journals.open(config, ticker);
        for (Destination destination : config.destinations()) {
            for (Signal signal : Signal.values()) {
                if (destination.exporters().containsKey(signal)) {
                    lanes.add(lane(destination, signal));
                }
            }
        }
        SidecarMetrics.register(metrics, journals, lanes);
        for (Destination destination : config.destinations()) {
            lanes.stream()
                    .filter(lane -> lane.context().destination().equals(destination.name()))
                    .forEach(lane -> lane.start(destination.concurrency()));
        }
    }

    private Lane lane(Destination destination, Signal signal) throws StartException {
        Ledger ledger = new Ledger();
        JournalReader reader = journals.bySignal().get(signal).reader(destination.name(), ledger);
        Exporter exporter = exporter(signal, destination.exporters().get(signal));
        LaneContext context = new LaneContext(
                destination.name(),
                signal,
                exporter,
                journals.quarantine(),
                ledger,
                new RetryPolicy(FIRST_RETRY, LONGEST_RETRY, new Random()),
                config.batchMaxBytes(),
                ticker);
        Batcher batcher = new Batcher(signal, reader, config.batchMaxBytes(), config.batchMaxAge(), ticker);
        return new Lane(context, reader, batcher, ownSpans());
    }

    private Optional<ExportSpans> ownSpans() {
        if (!config.ownSpans()) {
            return Optional.empty();
        }
        // one that finds no room is let go: it says how others fare, and there is no room for them either
        Journal traces = journals.bySignal().get(Signal.TRACES);
        return Optional.of(new ExportSpans(request -> traces.append(request, 1), ticker, new Random()));
    }

    private Exporter exporter(Signal signal, ExporterConfig exporterConfig) throws StartException {
        try {
            return Exporters.open(signal, exporterConfig, ticker, loops);
        } catch (InvalidConfigException e) {
            throw new StartException(StartException.USAGE, e.getMessage());
        }
    }

    private void listen() throws StartException {
        InFlightBytes inFlight = new InFlightBytes(config.maxRequestBytes() + SPARE_IN_FLIGHT);
        ReceiverLimits limits = new ReceiverLimits(config.maxRequestBytes(), MAX_REQUEST_TIME, inFlight, ticker);
        Intake intake = new Intake(journals.bySignal(), config.transform(), this::kept, metrics);
        metrics.gauge("spandrel_sidecar_in_flight_bytes", "Bytes of requests being received.", inFlight::used);
        InetSocketAddress grpcAddress = address(config.host(), config.grpcPort());
        InetSocketAddress httpAddress = address(config.host(), config.httpPort());
        InetSocketAddress healthAddress = address(config.healthHost(), config.healthPort());
        grpc = listen("gRPC", grpcAddress, () -> OtlpGrpcReceiver.start(grpcAddress, intake, limits, loops));
        http = listen("HTTP", httpAddress, () -> OtlpHttpReceiver.start(httpAddress, intake, limits, RECEIVER_GRACE));
        admin = listen(
                "health",
                healthAddress,
                () -> AdminServer.start(healthAddress, () -> accepting && journals.writable(), metrics));
        if (page != null) {
            listen("the trace page", config.page().orElseThrow());
        }
        refuseOwnListeners(List.of(
                new InetSocketAddress(config.host(), grpc.port()),
                new InetSocketAddress(config.host(), http.port()),
                new InetSocketAddress(config.healthHost(), admin.port())));
        accepting = true;
    }

    private void listen(String what, PageConfig settings) throws StartException {
        InetSocketAddress address = address(settings.host(), settings.port());
        listen(what, address, () -> {
            page.listen(address, settings.token(), settings.example());
            return page;
        });
    }

    private void kept(Signal signal, byte[] body) {
        if (printer != null) {
            printer.kept(signal, body);
        }
        if (page != null) {
            page.kept(signal, body);
        }
    }

    private static InetSocketAddress address(String host, int port) throws StartException {
        InetSocketAddress address = new InetSocketAddress(host, port);
        if (address.isUnresolved()) {
            throw new StartException(StartException.USAGE, "cannot listen on \"" + host + "\": no such host");
        }
        return address;
    }

    /** Something that opens a port. */
    private interface Listener<T> {
        T start() throws IOException;
    }

    private static <T> T listen(String what, InetSocketAddress address, Listener<T> listener) throws StartException {
        try {
            return listener.start();
        } catch (IOException e) {
            throw new StartException(
                    StartException.UNAVAILABLE,
                    "cannot listen on %s:%d for %s: %s"
                            .formatted(address.getHostString(), address.getPort(), what, rootMessage(e)));
        }
    }

    private static String rootMessage(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getMessage();
    }

    int grpcPort() {
        return grpc.port();
    }

    int httpPort() {
        return http.port();
    }

    int pagePort() {
        return page.port();
    }

    int healthPort() {
        return admin.port();
    }

    /** The books of a lane. */
    Ledger.Snapshot ledger(String destination, Signal signal) {
        return lanes.stream()
                .map(Lane::context)
                .filter(context -> context.destination().equals(destination) && context.signal() == signal)
                .findFirst()
                .orElseThrow()
                .ledger()
                .snapshot();
    }

    Journal journal(Signal signal) {
        return journals.bySignal().get(signal);
    }

    /** The one line that says all is listening. */
    String readyLine() {
        String host = bracketed(config.host());
        return "spandrel-sidecar ready: grpc %s:%d, http %s:%d, health http://%s:%d%s, to %s"
                .formatted(
                        host,
                        grpcPort(),
                        host,
                        httpPort(),
                        bracketed(config.healthHost()),
                        healthPort(),
                        config.page().map(this::pageAddress).orElse(""),
                        destinations());
    }

    private String pageAddress(PageConfig settings) {
        String token = settings.token().map(text -> "?token=" + text).orElse("");
        return ", page http://" + bracketed(settings.host()) + ":" + page.port() + "/" + token;
    }

    private static String bracketed(String host) {
        return host.contains(":") ? "[" + host + "]" : host;
    }

    private String destinations() {
        return config.destinations().isEmpty()
                ? "no backend, kept here"
                : config.destinations().stream().map(Sidecar::places).collect(Collectors.joining(", "));
    }

    private static String places(Destination destination) {
        Map<String, List<Signal>> byPlace = destination.exporters().entrySet().stream()
                .collect(Collectors.groupingBy(
                        entry -> withoutPath(entry.getValue()),
                        TreeMap::new,
                        Collectors.mapping(Map.Entry::getKey, Collectors.toList())));
        if (byPlace.size() == 1 && destination.exporters().size() == Signal.values().length) {
            return byPlace.keySet().iterator().next();
        }
        List<String> places = new ArrayList<>();
        byPlace.forEach((place, signals) -> places.add(
                place + " (" + signals.stream().sorted().map(Signal::word).collect(Collectors.joining(", ")) + ")"));
        return String.join(", ", places);
    }

    private static String withoutPath(ExporterConfig exporter) {
        String shown = exporter.shown();
        String path = exporter.endpoint().path();
        return shown.substring(0, shown.length() - path.length());
    }

    /** Stops front to back; closing twice is harmless. */
    @Override
    public void close() {
        accepting = false;
        try {
            stopReceivers();
            if (journals != null) {
                journals.stopTaking();
            }
            drain();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        lanes.forEach(Lane::close);
        if (journals != null) {
            journals.close();
        }
        loops.close();
        if (printer != null) {
            printer.close();
        }
        if (page != null) {
            page.close();
        }
        if (admin != null) {
            admin.close();
        }
    }

    private void stopReceivers() throws InterruptedException {
        if (http != null) {
            http.close();
        }
        if (grpc != null) {
            grpc.stop(RECEIVER_GRACE);
        }
    }

    private void drain() throws InterruptedException {
        lanes.forEach(Lane::drain);
        long deadline = System.nanoTime() + config.drainTimeout().toNanos();
        for (Lane lane : lanes) {
            lane.awaitDrained(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
        }
        long left = lanes.stream()
                .mapToLong(lane -> lane.context().ledger().snapshot().queued())
                .sum();
        if (left > 0) {
            LOG.log(
                    Level.WARNING,
                    "stopped with {0} items undelivered, {1}",
                    left,
                    config.journalFolder().map(folder -> "kept in " + folder).orElse("lost with this process"));
        }
    }
}

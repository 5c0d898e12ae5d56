package dev.spandrel.sidecar;

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
import dev.spandrel.sidecar.receiver.ReceiverLimits;
import dev.spandrel.sidecar.time.Ticker;
import dev.spandrel.sidecar.transport.EventLoops;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;

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

    /** Beside the largest request there is room for ordinary ones. */
    private static final long SPARE_IN_FLIGHT = 32 << 20;

    private final SidecarConfig config;
    private final Ticker ticker;
    private final MetricRegistry metrics = new MetricRegistry();
    private final List<Lane> lanes = new ArrayList<>();
    private final TracePrinter printer;
    private final EventLoops loops = EventLoops.open();
    private final Optional<TracePage> page;
    private final Doors doors;
    private Journals journals;
    private volatile boolean accepting;

    private Sidecar(SidecarConfig config, PrintStream out, Ticker ticker) {
        this.config = config;
        this.ticker = ticker;
        this.printer = config.printTraces() ? new TracePrinter(out, ticker) : null;
        this.page = config.page().map(_ -> new TracePage(ticker));
        this.doors = new Doors(config, loops, page);
    }

    /** Starts a sidecar and returns when everything listens. */
    static Sidecar start(SidecarConfig config, PrintStream out) throws StartException {
        Doors.refuseOwn(config);
        Sidecar sidecar = new Sidecar(config, out, Ticker.SYSTEM);
        try {
            sidecar.open();
            sidecar.listen();
            return sidecar;
        } catch (StartException e) {
            sidecar.close();
            throw e;
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
        JournalReader reader = reader(signal, destination.name(), ledger);
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

    private JournalReader reader(Signal signal, String destination, Ledger ledger) throws StartException {
        try {
            return journals.bySignal().get(signal).reader(destination, ledger);
        } catch (UncheckedIOException e) {
            throw new StartException(
                    StartException.UNAVAILABLE,
                    "%s in %s: %s"
                            .formatted(
                                    e.getMessage(),
                                    config.journalFolder().map(Path::toString).orElse("memory"),
                                    e.getCause()));
        }
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
        doors.open(intake, limits, () -> accepting && journals.writable(), metrics);
        accepting = true;
    }

    private void kept(Signal signal, byte[] body) {
        if (printer != null) {
            printer.kept(signal, body);
        }
        page.ifPresent(shown -> shown.kept(signal, body));
    }

    Doors doors() {
        return doors;
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

    String readyLine() {
        return new ReadyLine(config, doors).text();
    }

    /** Stops front to back; closing twice is harmless. */
    @Override
    public void close() {
        accepting = false;
        try {
            doors.closeReceivers();
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
        if (printer != null) {
            printer.close();
        }
        doors.close();
        loops.close();
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

package dev.spandrel.sidecar;

import dev.spandrel.sidecar.delivery.Lane;
import dev.spandrel.sidecar.delivery.LaneContext;
import dev.spandrel.sidecar.journal.Journal;
import dev.spandrel.sidecar.metrics.Ledger;
import dev.spandrel.sidecar.metrics.MetricRegistry;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.time.Ticker;
import java.util.List;
import java.util.function.ToLongFunction;

/** The names under which the parts of a running sidecar are shown, ours beside those of the OpenTelemetry Collector. */
final class SidecarMetrics {
    private SidecarMetrics() {}

    static void register(MetricRegistry metrics, Journals journals, List<Lane> lanes) {
        journals.bySignal().forEach((signal, journal) -> journal(metrics, signal, journal));
        lanes.forEach(lane -> {
            lane(metrics, lane);
            collectorNames(metrics, lane, journals.bySignal().get(lane.context().signal()));
        });
        metrics.gauge(
                "spandrel_sidecar_quarantine_bytes",
                "Bytes of undeliverable telemetry kept.",
                journals.quarantine()::bytes);
        metrics.gauge(
                "otelcol_process_uptime_seconds",
                "Seconds since this process started.",
                () -> (System.currentTimeMillis()
                                - ProcessHandle.current()
                                        .info()
                                        .startInstant()
                                        .orElseThrow()
                                        .toEpochMilli())
                        / 1e3);
    }

    private static void journal(MetricRegistry metrics, Signal signal, Journal journal) {
        String[] labels = {"signal", signal.word()};
        metrics.gauge("spandrel_sidecar_journal_bytes", "Bytes kept.", journal::bytes, labels);
        metrics.gauge(
                "spandrel_sidecar_journal_capacity_bytes",
                "Bytes at which requests are refused.",
                journal::capacity,
                labels);
        metrics.gauge("spandrel_sidecar_journal_items", "Items kept.", journal::items, labels);
        metrics.gauge(
                "spandrel_sidecar_journal_oldest_seconds",
                "Age of the oldest kept record.",
                () -> journal.oldestEpochMillis().stream()
                        .mapToDouble(oldest -> (Ticker.SYSTEM.epochMillis() - oldest) / 1e3)
                        .findFirst()
                        .orElse(0),
                labels);
        metrics.counter(
                "spandrel_sidecar_journal_damaged",
                "Damaged stretches of records stepped over.",
                journal::damages,
                labels);
        metrics.counter(
                "spandrel_sidecar_evicted_items",
                "Items without a destination given up, oldest first.",
                journal::evictedItems,
                labels);
    }

    private static void lane(MetricRegistry metrics, Lane lane) {
        LaneContext context = lane.context();
        String[] labels = {
            "destination", context.destination(), "signal", context.signal().word()
        };
        count(
                metrics,
                lane,
                "received",
                "Items acknowledged, for this destination.",
                Ledger.Snapshot::received,
                labels);
        count(metrics, lane, "delivered", "Items the backend took.", Ledger.Snapshot::delivered, labels);
        count(
                metrics,
                lane,
                "rejected",
                "Items the backend rejected by partial success.",
                Ledger.Snapshot::rejected,
                labels);
        count(metrics, lane, "quarantined", "Items put aside as undeliverable.", Ledger.Snapshot::quarantined, labels);
        count(
                metrics,
                lane,
                "duplicates_possible",
                "Items sent again after an answer was lost.",
                Ledger.Snapshot::duplicatesPossible,
                labels);
        metrics.gauge(
                "spandrel_sidecar_queued_items",
                "Items not yet answered for.",
                () -> context.ledger().snapshot().queued(),
                labels);
        metrics.counter(
                "spandrel_sidecar_failed_sends", "Requests that were not delivered.", lane::failedSends, labels);
        metrics.gauge(
                "spandrel_sidecar_last_success_timestamp_seconds",
                "When the backend last took something.",
                () -> lane.lastSuccessEpochMillis() / 1e3,
                labels);
        metrics.counter(
                "spandrel_sidecar_json_unknown_fields",
                "Fields left out of http/json, which has no name for them.",
                () -> context.exporter().unknownFields(),
                labels);
    }

    private static void count(
            MetricRegistry metrics,
            Lane lane,
            String name,
            String help,
            ToLongFunction<Ledger.Snapshot> value,
            String... labels) {
        metrics.counter(
                "spandrel_sidecar_" + name + "_items",
                help,
                () -> value.applyAsLong(lane.context().ledger().snapshot()),
                labels);
    }

    private static void collectorNames(MetricRegistry metrics, Lane lane, Journal journal) {
        LaneContext context = lane.context();
        String[] labels = {"exporter", "otlp/" + context.destination()};
        String items = context.signal().items();
        metrics.counter(
                "otelcol_exporter_sent_" + items,
                "Items the backend took.",
                () -> context.ledger().snapshot().delivered(),
                labels);
        metrics.counter(
                "otelcol_exporter_send_failed_" + items,
                "Items the backend rejected or that were put aside.",
                () -> context.ledger().snapshot().rejected()
                        + context.ledger().snapshot().quarantined(),
                labels);
        // in bytes, as a Collector with that sizer says it; the usual alert at 70 % of the capacity holds
        String[] queueLabels = {"data_type", context.signal().word(), "exporter", "otlp/" + context.destination()};
        metrics.gauge("otelcol_exporter_queue_size", "Bytes kept for the backend.", journal::bytes, queueLabels);
        metrics.gauge(
                "otelcol_exporter_queue_capacity",
                "Bytes at which requests are refused.",
                journal::capacity,
                queueLabels);
    }
}

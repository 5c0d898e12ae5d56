package dev.spandrel.sidecar.delivery;

import dev.spandrel.sidecar.exporter.Exporter;
import dev.spandrel.sidecar.exporter.RetryPolicy;
import dev.spandrel.sidecar.journal.Quarantine;
import dev.spandrel.sidecar.metrics.Ledger;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.time.Ticker;

/**
 * What a lane works with.
 *
 * @param destination the name of the destination in metrics, checkpoints and the quarantine
 * @param maxBytes the largest request sent unasked; larger records are cut first
 */
public record LaneContext(
        String destination,
        Signal signal,
        Exporter exporter,
        Quarantine quarantine,
        Ledger ledger,
        RetryPolicy retryPolicy,
        int maxBytes,
        Ticker ticker) {}

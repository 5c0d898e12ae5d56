/**
 * Counters and the ledger: what was received, delivered, rejected, quarantined and is still queued, per destination and
 * signal. Everybody writes here, only the admin page reads. Start reading at {@link dev.spandrel.sidecar.metrics.Ledger}.
 */
package dev.spandrel.sidecar.metrics;

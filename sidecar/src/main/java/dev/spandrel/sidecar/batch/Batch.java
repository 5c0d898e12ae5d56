package dev.spandrel.sidecar.batch;

import dev.spandrel.sidecar.otlp.EncodedRequest;

/**
 * Adjoining journal records as one request.
 *
 * @param first sequence of the first record
 * @param last sequence of the last record
 * @param epochMillis when the first of them arrived
 */
public record Batch(long first, long last, long epochMillis, EncodedRequest request) {}

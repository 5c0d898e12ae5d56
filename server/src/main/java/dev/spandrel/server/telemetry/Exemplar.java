package dev.spandrel.server.telemetry;

/**
 * A measurement with the trace it belongs to, for OpenMetrics.
 *
 * @param traceId 32 hex digits
 * @param spanId 16 hex digits
 * @param value what was measured
 * @param epochSeconds when, seconds since the epoch
 */
record Exemplar(String traceId, String spanId, double value, double epochSeconds) {
    /** The trace and span of measurements to come. */
    record Source(String traceId, String spanId, double epochSeconds) {
        Exemplar of(double value) {
            return new Exemplar(traceId, spanId, value, epochSeconds);
        }
    }
}

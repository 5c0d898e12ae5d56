/**
 * Everything that speaks to a backend: what the {@code OTEL_EXPORTER_OTLP_*} variables mean, one
 * {@link dev.spandrel.sidecar.exporter.Exporter} per transport, and the one reading of every refusal as being about the
 * destination or about the data. It knows encoded requests, not where they come from. Start reading at
 * {@link dev.spandrel.sidecar.exporter.SendResult}.
 */
package dev.spandrel.sidecar.exporter;

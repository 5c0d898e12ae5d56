/**
 * The door: OTLP over gRPC and over HTTP, size and shape checks, and the one answer for each thing that can be wrong. It
 * acknowledges only what the journal has made safe, and knows nothing of what happens to telemetry afterwards. Start
 * reading at {@link dev.spandrel.sidecar.receiver.Intake}.
 */
package dev.spandrel.sidecar.receiver;

/**
 * The only home of the OpenTelemetry SDK: it is set up here ({@link dev.spandrel.server.telemetry.Telemetry}), HTTP
 * requests and generations become spans here, and counters become Prometheus text here. Spans of generations are made
 * after the last byte from the engine's stamps, so telemetry may wait and never slows a token. Start reading at
 * {@link dev.spandrel.server.telemetry.GenerationSpans}.
 */
package dev.spandrel.server.telemetry;

/**
 * Spans as people read them, out of encoded requests: for the trace printer and the trace page, the only ones that look
 * inside. It knows only the reader of protobuf. Start reading at {@link dev.spandrel.sidecar.span.SpanDecoder}.
 */
package dev.spandrel.sidecar.span;

/**
 * The facts of OTLP that need no decoding: signals with their paths and methods, walking of protobuf tags and lengths,
 * the few small replies a receiver writes and an exporter reads. It knows only the JDK, and every other package may
 * know it. Start reading at {@link dev.spandrel.sidecar.otlp.Signal} and {@link dev.spandrel.sidecar.otlp.OtlpShape}.
 */
package dev.spandrel.sidecar.otlp;

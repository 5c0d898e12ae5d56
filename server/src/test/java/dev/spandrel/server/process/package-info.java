/**
 * Whole processes, started as a user starts them, through the launcher, and seen from outside only. What they send is
 * received by {@link dev.spandrel.server.process.OtlpBackend}, which is built on grpc-java, the JDK's HTTP server and the
 * official protobuf classes and shares no code with server or sidecar. Start reading at {@code CompletionTraceIT}.
 */
package dev.spandrel.server.process;

/**
 * The threads and buffers that gRPC runs on, shared by the receiver and every exporter: one pool of each is smaller and
 * warmer than several. It knows only netty. Start reading at {@link dev.spandrel.sidecar.transport.EventLoops}.
 */
package dev.spandrel.sidecar.transport;

/**
 * The threads and buffers that gRPC and HTTP run on, shared by receivers, health and every exporter: one pool of each is
 * smaller and warmer than several; and the listener for HTTP/1.1. It knows only netty. Start reading at
 * {@link dev.spandrel.sidecar.transport.EventLoops} and {@link dev.spandrel.sidecar.transport.HttpListener}.
 */
package dev.spandrel.sidecar.transport;

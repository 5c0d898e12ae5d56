/**
 * The server process: flags to {@link dev.spandrel.server.ServerConfig}, config to a running
 * {@link dev.spandrel.server.SpandrelServer}, signal to an orderly end. It wires the engine, the API, HTTP and telemetry
 * together by ordinary code and knows them all; none of them knows it. Start reading at
 * {@link dev.spandrel.server.SpandrelServer#start}.
 */
package dev.spandrel.server;

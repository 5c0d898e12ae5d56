/**
 * What Helidon's HTTP/1.1 server lacks for a server whose answers take long: notice of a client that leaves while its
 * answer is still being made ({@link dev.spandrel.server.http.ClientConnection}), and a limit on how long a write may
 * block ({@link dev.spandrel.server.http.WriteWatchdog}). It knows Helidon and nothing of models or telemetry. Start
 * reading at {@link dev.spandrel.server.http.WatchedHttp1Selector}, see docs/decisions/0020.
 */
package dev.spandrel.server.http;

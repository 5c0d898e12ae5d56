package dev.spandrel.server;

import dev.spandrel.engine.EngineConfig;
import dev.spandrel.server.openai.ApiSettings;
import dev.spandrel.server.telemetry.OtlpSettings;
import dev.spandrel.server.telemetry.TraceSettings;
import java.time.Duration;
import java.util.Objects;

/**
 * What a server needs to know; flags, variables and defaults are already one.
 *
 * @param engine how to load and run the model; the server adds its own step listener
 * @param api what the API offers
 * @param host address to listen on; null = all
 * @param port 0 = any free one
 * @param otlp where spans go
 * @param httpSpans whether HTTP requests get spans of their own
 * @param tracing what goes into spans
 * @param kvCacheMetricsSample share of KV blocks whose lives are told of in metrics; 0 = no such metrics
 * @param listener who may connect, and what a request may be
 * @param shutdownTimeout how long running generations may go on after the stop signal; zero = they are aborted
 * @param writeTimeout how long a client may leave its answer unread
 * @param version of this server
 */
public record ServerConfig(
        EngineConfig engine,
        ApiSettings api,
        String host,
        int port,
        OtlpSettings otlp,
        boolean httpSpans,
        TraceSettings tracing,
        double kvCacheMetricsSample,
        ListenerSettings listener,
        Duration shutdownTimeout,
        Duration writeTimeout,
        String version) {
    private static final int MAX_PORT = 65535;

    public ServerConfig {
        Objects.requireNonNull(engine, "engine");
        Objects.requireNonNull(otlp, "otlp");
        Objects.requireNonNull(tracing, "tracing");
        Objects.requireNonNull(listener, "listener");
        Objects.requireNonNull(api, "api");
        if (port < 0 || port > MAX_PORT) {
            throw new IllegalArgumentException("--port must be between 0 and " + MAX_PORT + ", found " + port);
        }
        if (!(kvCacheMetricsSample >= 0 && kvCacheMetricsSample <= 1)) {
            throw new IllegalArgumentException(
                    "--kv-cache-metrics-sample must be above 0 and at most 1, found " + kvCacheMetricsSample);
        }
        if (shutdownTimeout.isNegative()) {
            throw new IllegalArgumentException(
                    "--shutdown-timeout must not be negative, found " + shutdownTimeout.toSeconds());
        }
        if (writeTimeout.isNegative() || writeTimeout.isZero()) {
            throw new IllegalArgumentException("--write-timeout must be at least 1, found " + writeTimeout.toSeconds());
        }
    }
}

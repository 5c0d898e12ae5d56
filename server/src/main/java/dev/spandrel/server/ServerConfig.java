package dev.spandrel.server;

import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.Pooling;
import dev.spandrel.server.openai.tools.ToolCallFamily;
import dev.spandrel.server.telemetry.OtlpSettings;
import dev.spandrel.server.telemetry.TraceSettings;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What a server needs to know; flags, variables and defaults are already one.
 *
 * @param engine how to load and run the model; the server adds its own step listener
 * @param servedModelNames names clients may use; empty = the model's own
 * @param host address to listen on; null = all
 * @param port 0 = any free one
 * @param otlp where spans go
 * @param httpSpans whether HTTP requests get spans of their own
 * @param tracing what goes into spans
 * @param promptTokensDetails whether usage tells of cached prompt tokens
 * @param pooling how hidden states become embeddings
 * @param toolCallFamily how the model writes tool calls; empty = as its chat template shows
 * @param requestIdHeaders whether answers have an {@code X-Request-Id}
 * @param listener who may connect, and what a request may be
 * @param shutdownTimeout how long running generations may go on after the stop signal; zero = they are aborted
 * @param writeTimeout how long a client may leave its answer unread
 * @param version of this server
 */
public record ServerConfig(
        EngineConfig engine,
        List<String> servedModelNames,
        String host,
        int port,
        OtlpSettings otlp,
        boolean httpSpans,
        TraceSettings tracing,
        boolean promptTokensDetails,
        Pooling pooling,
        Optional<ToolCallFamily> toolCallFamily,
        boolean requestIdHeaders,
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
        servedModelNames = List.copyOf(servedModelNames);
        if (port < 0 || port > MAX_PORT) {
            throw new IllegalArgumentException("--port must be between 0 and " + MAX_PORT + ", found " + port);
        }
        if (shutdownTimeout.isNegative()) {
            throw new IllegalArgumentException(
                    "--shutdown-timeout must not be negative, found " + shutdownTimeout.toSeconds());
        }
        if (writeTimeout.isNegative() || writeTimeout.isZero()) {
            throw new IllegalArgumentException("--write-timeout must be at least 1, found " + writeTimeout.toSeconds());
        }
        if (servedModelNames.stream().anyMatch(String::isBlank)) {
            throw new IllegalArgumentException("--served-model-name must not be blank");
        }
    }
}

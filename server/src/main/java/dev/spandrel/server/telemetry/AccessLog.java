package dev.spandrel.server.telemetry;

import dev.spandrel.server.openai.SessionId;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * One line of JSON per HTTP request, after its last byte, with the trace and span it belongs to: those of this server where
 * it traces, else those the client sent. Lines go through a bounded queue to one thread, so that a log that cannot be
 * written delays no answer; what does not fit is dropped and counted.
 */
public final class AccessLog implements Filter, AutoCloseable {
    private static final int QUEUE = 8192;
    private static final HeaderName REQUEST_ID = HeaderNames.create("X-Request-Id");
    private static final JsonFactory JSON = JsonFactory.builder().build();
    private static final byte[] END = new byte[0];

    private final PrintStream out;
    private final Set<String> leftOut;
    private final InstantSource wall;
    private final LongSupplier nanoClock;
    private final BlockingQueue<byte[]> lines = new ArrayBlockingQueue<>(QUEUE);
    private final LongAdder dropped = new LongAdder();
    private final Thread writer;

    /**
     * Starts the writing thread.
     *
     * @param out takes the lines
     * @param leftOut paths without a line, such as what probes ask every few seconds
     */
    public AccessLog(PrintStream out, Set<String> leftOut, InstantSource wall, LongSupplier nanoClock) {
        this.out = out;
        this.leftOut = Set.copyOf(leftOut);
        this.wall = wall;
        this.nanoClock = nanoClock;
        this.writer = Thread.ofPlatform().daemon().name("access-log").start(this::write);
    }

    /** What a request looked like when it came. */
    private record Arrived(String time, long nanos, String path, SpanContext span) {}

    @Override
    public void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        if (leftOut.contains(request.path().path())) {
            chain.proceed();
            return;
        }
        Arrived arrived = new Arrived(
                wall.instant().truncatedTo(ChronoUnit.MICROS).toString(),
                nanoClock.getAsLong(),
                // Behind the route it is the rest of the path that the route left.
                request.path().path(),
                span(request));
        boolean gone = false;
        try {
            chain.proceed();
        } catch (CloseConnectionException e) {
            gone = true;
            throw e;
        } finally {
            if (!lines.offer(line(request, response, arrived, gone))) {
                dropped.increment();
            }
        }
    }

    private static SpanContext span(RoutingRequest request) {
        SpanContext own = Span.current().getSpanContext();
        return own.isValid()
                ? own
                : Span.fromContext(W3CTraceContextPropagator.getInstance()
                                .extract(Context.root(), request.headers(), RequestHeaders.GETTER))
                        .getSpanContext();
    }

    private byte[] line(RoutingRequest request, RoutingResponse response, Arrived arrived, boolean gone) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
        try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), bytes)) {
            json.writeStartObject();
            json.writeStringProperty("time", arrived.time());
            json.writeStringProperty("method", request.prologue().method().text());
            json.writeStringProperty("path", arrived.path());
            // A client that left in the middle has seen the status or not; what it did not see is no status.
            if (gone && !response.isSent()) {
                json.writeNullProperty("status");
            } else {
                json.writeNumberProperty("status", response.status().code());
            }
            json.writeBooleanProperty("client_gone", gone);
            json.writeNumberProperty("duration_ms", (nanoClock.getAsLong() - arrived.nanos()) / 1000 / 1e3);
            json.writeNumberProperty("response_bytes", response.bytesWritten());
            json.writeStringProperty("client_address", request.remotePeer().host());
            json.writeStringProperty(
                    "user_agent",
                    request.headers().first(HeaderNames.USER_AGENT).orElse(""));
            json.writeStringProperty("request_id", requestId(request, response));
            Optional<SessionId> session = request.context().get(SessionId.class);
            if (session.isPresent()) {
                json.writeStringProperty("session_id", session.get().value());
            }
            json.writeStringProperty(
                    "trace_id", arrived.span().isValid() ? arrived.span().getTraceId() : "");
            json.writeStringProperty(
                    "span_id", arrived.span().isValid() ? arrived.span().getSpanId() : "");
            json.writeEndObject();
        }
        bytes.write('\n');
        return bytes.toByteArray();
    }

    private static String requestId(RoutingRequest request, RoutingResponse response) {
        return request.headers()
                .first(REQUEST_ID)
                .or(() -> response.headers().first(REQUEST_ID))
                .orElse("");
    }

    private void write() {
        try {
            for (byte[] line = lines.take(); line != END; line = lines.take()) {
                out.write(line, 0, line.length);
                if (lines.isEmpty()) {
                    out.flush();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        out.flush();
    }

    /** Lines that found the queue full. */
    long dropped() {
        return dropped.sum();
    }

    /** Its counter. */
    void write(PrometheusText text) {
        text.counter("spandrel_access_log_dropped", "Lines of the access log that found its queue full.", dropped());
    }

    /** Writes what is queued and ends; waits two seconds at most, for a log that takes nothing. */
    @Override
    public void close() {
        try {
            if (lines.offer(END, 1, TimeUnit.SECONDS)) {
                writer.join(Duration.ofSeconds(1));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

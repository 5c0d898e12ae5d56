package dev.spandrel.sidecar.admin;

import dev.spandrel.sidecar.metrics.MetricRegistry;
import dev.spandrel.sidecar.transport.HttpAnswer;
import dev.spandrel.sidecar.transport.HttpExchange;
import dev.spandrel.sidecar.transport.HttpHead;
import dev.spandrel.sidecar.transport.HttpRefusal;
import dev.spandrel.sidecar.transport.HttpService;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;

/** The texts of {@link AdminServer}'s paths. */
record AdminService(BooleanSupplier ready, MetricRegistry metrics) implements HttpService {
    private static final String TYPE = "text/plain; version=0.0.4; charset=utf-8";

    @Override
    public HttpExchange begin(HttpHead head) throws HttpRefusal {
        if (!head.method().equals("GET") && !head.method().equals("HEAD")) {
            throw new HttpRefusal(new HttpAnswer(
                    405, Map.of("Content-Type", TYPE, "Allow", "GET"), bytes("expected GET, found " + head.method())));
        }
        return new Question(this, head.path());
    }

    @Override
    public HttpAnswer malformed(String message) {
        return text(400, message + "\n");
    }

    private HttpAnswer answer(String path) {
        return switch (path) {
            case "/live" -> text(200, "live\n");
            case "/ready", "/" -> ready.getAsBoolean() ? text(200, "ready\n") : text(503, "not ready\n");
            case "/metrics" -> text(200, metrics.prometheusText());
            default -> text(404, "expected /live, /ready or /metrics, found " + path + "\n");
        };
    }

    private static HttpAnswer text(int status, String text) {
        return new HttpAnswer(status, Map.of("Content-Type", TYPE), bytes(text));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private record Question(AdminService service, String path) implements HttpExchange {
        @Override
        public void body(ByteBuffer bytes) {
            // nothing is asked with a body
        }

        @Override
        public CompletableFuture<HttpAnswer> end() {
            return CompletableFuture.completedFuture(service.answer(path));
        }

        @Override
        public HttpAnswer malformed(String message) {
            return service.malformed(message);
        }

        @Override
        public HttpAnswer tooSlow() {
            return text(408, "the request took too long to arrive\n");
        }

        @Override
        public void close() {
            // nothing is held
        }
    }
}

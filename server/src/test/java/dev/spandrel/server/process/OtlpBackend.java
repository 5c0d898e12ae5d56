package dev.spandrel.server.process;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.zip.GZIPInputStream;

/** An OTLP backend for traces by gRPC and by HTTP, on free ports of loopback; takes everything and remembers it. */
final class OtlpBackend implements AutoCloseable {
    private static final String PROTOBUF = "application/x-protobuf";

    private final List<ReceivedSpan> spans = new CopyOnWriteArrayList<>();
    private final ExecutorService httpThreads = Executors.newVirtualThreadPerTaskExecutor();
    private final Server grpc;
    private final HttpServer http;

    OtlpBackend() throws IOException {
        InetSocketAddress anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        grpc = NettyServerBuilder.forAddress(anyPort)
                .addService(TraceService.handingTo(request -> take("grpc", request)))
                .build()
                .start();
        http = HttpServer.create(anyPort, 0);
        http.createContext("/", this::handle);
        http.setExecutor(httpThreads);
        http.start();
    }

    int grpcPort() {
        return grpc.getPort();
    }

    int httpPort() {
        return http.getAddress().getPort();
    }

    /** All spans so far, in the order they came. */
    List<ReceivedSpan> spans() {
        return List.copyOf(spans);
    }

    /** Waits for a span that has come or will. */
    ReceivedSpan await(String what, Predicate<ReceivedSpan> wanted, Object sender) {
        return Await.present(
                what, () -> spans.stream().filter(wanted).findFirst(), () -> "received:\n" + this + "\n" + sender);
    }

    /** Waits until as many spans have come. */
    List<ReceivedSpan> await(int count, String what, Predicate<ReceivedSpan> wanted, Object sender) {
        return Await.present(
                count + " × " + what,
                () -> Optional.of(spans.stream().filter(wanted).toList()).filter(found -> found.size() >= count),
                () -> "received:\n" + this + "\n" + sender);
    }

    @Override
    public String toString() {
        return spans.stream()
                .map(span -> "%s %s %s below \"%s\" %s"
                        .formatted(span.traceId(), span.name(), span.spanId(), span.parentId(), span.attributes()))
                .collect(Collectors.joining("\n"));
    }

    private void take(String transport, ExportTraceServiceRequest request) {
        request.getResourceSpansList()
                .forEach(resource -> resource.getScopeSpansList()
                        .forEach(scope -> scope.getSpansList()
                                .forEach(
                                        span -> spans.add(new ReceivedSpan(transport, resource.getResource(), span)))));
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            Optional<String> encoding =
                    Optional.ofNullable(exchange.getRequestHeaders().getFirst("Content-Encoding"));
            if (!exchange.getRequestURI().toString().equals("/v1/traces")
                    || !exchange.getRequestMethod().equals("POST")
                    || !PROTOBUF.equals(exchange.getRequestHeaders().getFirst("Content-Type"))
                    || !encoding.orElse("gzip").equals("gzip")) {
                exchange.sendResponseHeaders(400, -1);
                return;
            }
            InputStream body =
                    encoding.isPresent() ? new GZIPInputStream(exchange.getRequestBody()) : exchange.getRequestBody();
            take("http/protobuf" + encoding.map(" "::concat).orElse(""), ExportTraceServiceRequest.parseFrom(body));
            exchange.getResponseHeaders().set("Content-Type", PROTOBUF);
            exchange.sendResponseHeaders(200, -1);
        }
    }

    @Override
    public void close() {
        grpc.shutdownNow();
        http.stop(0);
        httpThreads.shutdownNow();
    }
}

package dev.spandrel.sidecar.testing;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import com.google.protobuf.util.JsonFormat;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceResponse;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceResponse;
import io.opentelemetry.proto.collector.trace.v1.ExportTracePartialSuccess;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;

/**
 * An OTLP backend on the official classes and grpc-java, sharing no codec with the sidecar. It takes everything unless
 * its script says otherwise, and remembers what it took.
 */
public final class BackendDouble implements AutoCloseable {
    private static final Metadata.Key<byte[]> DETAILS =
            Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
    private static final Pattern ID = Pattern.compile("\"(traceId|spanId|parentSpanId)\":\"([0-9a-f]*)\"");
    private static final int GRPC_DEFAULT_LIMIT = 4 << 20;

    private final Server grpc;
    private final HttpServer http;
    private final List<ExportTraceServiceRequest> traces = new CopyOnWriteArrayList<>();
    private final List<ExportMetricsServiceRequest> metrics = new CopyOnWriteArrayList<>();
    private final List<ExportLogsServiceRequest> logs = new CopyOnWriteArrayList<>();
    private final List<Map<String, String>> headers = new CopyOnWriteArrayList<>();
    private final Map<Long, Integer> spans = new ConcurrentHashMap<>();
    private volatile Function<MessageLite, Optional<Fault>> script = _ -> Optional.empty();

    public BackendDouble() throws IOException {
        this(0);
    }

    /** Speaks gRPC on the given port, 0 for any, and HTTP on any. */
    public BackendDouble(int grpcPort) throws IOException {
        this(InetAddress.getLoopbackAddress(), grpcPort, 0);
    }

    /** Listens on the given address and ports, 0 for any. */
    public BackendDouble(InetAddress address, int grpcPort, int httpPort) throws IOException {
        grpc = NettyServerBuilder.forAddress(new InetSocketAddress(address, grpcPort))
                .maxInboundMessageSize(GRPC_DEFAULT_LIMIT)
                .addService(ServerInterceptors.intercept(
                        service("trace.v1.TraceService", ExportTraceServiceRequest.parser()), new HeaderNotes(headers)))
                .addService(service("metrics.v1.MetricsService", ExportMetricsServiceRequest.parser()))
                .addService(service("logs.v1.LogsService", ExportLogsServiceRequest.parser()))
                .build()
                .start();
        http = HttpServer.create(new InetSocketAddress(address, httpPort), 0);
        http.createContext("/v1/traces", exchange -> handle(exchange, ExportTraceServiceRequest.getDefaultInstance()));
        http.createContext(
                "/v1/metrics", exchange -> handle(exchange, ExportMetricsServiceRequest.getDefaultInstance()));
        http.createContext("/v1/logs", exchange -> handle(exchange, ExportLogsServiceRequest.getDefaultInstance()));
        http.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        http.start();
    }

    /** Decides what happens to each request from now on; empty means take it. */
    public void script(Function<MessageLite, Optional<Fault>> decide) {
        script = decide;
    }

    public int grpcPort() {
        return grpc.getPort();
    }

    public int httpPort() {
        return http.getAddress().getPort();
    }

    public List<ExportTraceServiceRequest> traces() {
        return traces;
    }

    public List<ExportMetricsServiceRequest> metrics() {
        return metrics;
    }

    public List<ExportLogsServiceRequest> logs() {
        return logs;
    }

    /** The headers of each request, in order, where they were noted. */
    public List<Map<String, String>> headers() {
        return headers;
    }

    /** How often each numbered span was taken. */
    public Map<Long, Integer> spans() {
        return spans;
    }

    private Optional<Fault> take(MessageLite request) {
        Optional<Fault> fault = script.apply(request);
        if (fault.isPresent() && fault.get() instanceof Fault.Refuse) {
            return fault;
        }
        switch (request) {
            case ExportTraceServiceRequest r -> {
                traces.add(r);
                Telemetry.numbers(r).forEach(number -> spans.merge(number, 1, Integer::sum));
            }
            case ExportMetricsServiceRequest r -> metrics.add(r);
            case ExportLogsServiceRequest r -> logs.add(r);
            default -> throw new IllegalStateException("unexpected " + request.getClass());
        }
        return fault;
    }

    private static MessageLite response(MessageLite request, Optional<Fault> fault) {
        return switch (request) {
            case ExportTraceServiceRequest _
            when fault.isPresent() && fault.get() instanceof Fault.Partial(long rejected, String message) ->
                ExportTraceServiceResponse.newBuilder()
                        .setPartialSuccess(ExportTracePartialSuccess.newBuilder()
                                .setRejectedSpans(rejected)
                                .setErrorMessage(message))
                        .build();
            case ExportTraceServiceRequest _ -> ExportTraceServiceResponse.getDefaultInstance();
            case ExportMetricsServiceRequest _ -> ExportMetricsServiceResponse.getDefaultInstance();
            default -> ExportLogsServiceResponse.getDefaultInstance();
        };
    }

    private <T extends MessageLite> ServerServiceDefinition service(String name, Parser<T> parser) {
        String service = "opentelemetry.proto.collector." + name;
        MethodDescriptor<MessageLite, MessageLite> method = MethodDescriptor.<MessageLite, MessageLite>newBuilder()
                .setType(MethodDescriptor.MethodType.UNARY)
                .setFullMethodName(service + "/Export")
                .setRequestMarshaller(new OfficialMarshaller(parser))
                .setResponseMarshaller(new OfficialMarshaller(parser))
                .build();
        return ServerServiceDefinition.builder(service)
                .addMethod(method, ServerCalls.asyncUnaryCall(this::export))
                .build();
    }

    private void export(MessageLite request, StreamObserver<MessageLite> answer) {
        Optional<Fault> fault = take(request);
        switch (fault.orElse(null)) {
            case Fault.Refuse refuse -> {
                Metadata trailers = new Metadata();
                refuse.details().ifPresent(details -> trailers.put(DETAILS, details.toByteArray()));
                answer.onError(new StatusRuntimeException(refuse.grpc(), trailers));
            }
            case Fault.Hang _ -> {}
            case Fault.Cut _ -> answer.onError(new StatusRuntimeException(io.grpc.Status.UNAVAILABLE));
            case null, default -> {
                answer.onNext(response(request, fault));
                answer.onCompleted();
            }
        }
    }

    private void handle(HttpExchange exchange, Message type) throws IOException {
        try (exchange) {
            headers.add(Map.of(
                    "path", exchange.getRequestURI().toString(),
                    "content-type", String.valueOf(exchange.getRequestHeaders().getFirst("Content-Type")),
                    "content-encoding",
                            String.valueOf(exchange.getRequestHeaders().getFirst("Content-Encoding")),
                    "authorization", String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")),
                    "user-agent", String.valueOf(exchange.getRequestHeaders().getFirst("User-Agent"))));
            boolean gzip = "gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"));
            InputStream body = gzip ? new GZIPInputStream(exchange.getRequestBody()) : exchange.getRequestBody();
            boolean json =
                    "application/json".equals(exchange.getRequestHeaders().getFirst("Content-Type"));
            answer(
                    exchange,
                    json ? fromJson(body, type) : type.getParserForType().parseFrom(body));
        }
    }

    /** The official JSON reader takes ids for base64, so they are turned into that first. */
    private static MessageLite fromJson(InputStream body, Message type) throws IOException {
        String text = new String(body.readAllBytes(), StandardCharsets.UTF_8);
        String base64 = ID.matcher(text)
                .replaceAll(id -> "\"" + id.group(1) + "\":\""
                        + Base64.getEncoder().encodeToString(HexFormat.of().parseHex(id.group(2))) + "\"");
        Message.Builder builder = type.newBuilderForType();
        JsonFormat.parser().merge(base64, builder);
        return builder.build();
    }

    private void answer(HttpExchange exchange, MessageLite request) throws IOException {
        Optional<Fault> fault = take(request);
        switch (fault.orElse(null)) {
            case Fault.Refuse refuse -> {
                refuse.retryAfter()
                        .ifPresent(value -> exchange.getResponseHeaders().set("Retry-After", value));
                exchange.sendResponseHeaders(refuse.http(), -1);
            }
            case Fault.Hang _ -> {
                try {
                    Thread.sleep(Long.MAX_VALUE);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            case Fault.Cut _ -> {
                exchange.getResponseHeaders().set("Content-Type", "application/x-protobuf");
                exchange.sendResponseHeaders(200, 1000);
                exchange.getResponseBody().write(new byte[10]);
                exchange.getResponseBody().flush();
                // closing with 990 bytes missing cuts the connection
            }
            case null, default -> {
                byte[] body = response(request, fault).toByteArray();
                exchange.getResponseHeaders().set("Content-Type", "application/x-protobuf");
                exchange.sendResponseHeaders(200, body.length == 0 ? -1 : body.length);
                exchange.getResponseBody().write(body);
            }
        }
    }

    @Override
    public void close() {
        grpc.shutdownNow();
        http.stop(0);
    }

    private record HeaderNotes(List<Map<String, String>> notes) implements io.grpc.ServerInterceptor {
        @Override
        public <Q, R> io.grpc.ServerCall.Listener<Q> interceptCall(
                io.grpc.ServerCall<Q, R> call, Metadata headers, io.grpc.ServerCallHandler<Q, R> next) {
            Map<String, String> noted = new ConcurrentHashMap<>();
            for (String name : headers.keys()) {
                if (!name.endsWith("-bin")) {
                    noted.put(name, headers.get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER)));
                }
            }
            notes.add(noted);
            return next.startCall(call, headers);
        }
    }

    private record OfficialMarshaller(Parser<? extends MessageLite> parser)
            implements MethodDescriptor.Marshaller<MessageLite> {
        @Override
        public InputStream stream(MessageLite value) {
            return value.toByteString().newInput();
        }

        @Override
        public MessageLite parse(InputStream stream) {
            try {
                return parser.parseFrom(stream);
            } catch (InvalidProtocolBufferException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}

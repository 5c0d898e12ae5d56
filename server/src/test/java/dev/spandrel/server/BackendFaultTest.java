package dev.spandrel.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse;
import io.opentelemetry.proto.collector.trace.v1.TraceServiceGrpc;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import picocli.CommandLine;

/** A telemetry backend that refuses, hangs or is not there: answers are whole, and what was lost is counted. */
class BackendFaultTest {
    private static final Pattern DROPPED =
            Pattern.compile("^otel_spans_dropped_total\\{.*} ([0-9.]+)$", Pattern.MULTILINE);
    private static final int REQUESTS = 40;

    private final HttpClient client = HttpClient.newHttpClient();

    /** What goes wrong. */
    enum Fault {
        REFUSES {
            @Override
            void answer(StreamObserver<ExportTraceServiceResponse> observer) {
                observer.onError(Status.INVALID_ARGUMENT.asRuntimeException());
            }
        },
        HANGS {
            @Override
            void answer(StreamObserver<ExportTraceServiceResponse> observer) {
                // Until the sender's own timeout.
            }
        },
        VANISHED {
            @Override
            void answer(StreamObserver<ExportTraceServiceResponse> observer) {
                throw new AssertionError("nobody listens");
            }
        };

        abstract void answer(StreamObserver<ExportTraceServiceResponse> observer);
    }

    @BeforeEach
    void smallQueue() {
        System.setProperty("otel.bsp.max.queue.size", "8");
        System.setProperty("otel.bsp.max.export.batch.size", "4");
        System.setProperty("otel.bsp.schedule.delay", "20");
    }

    @AfterEach
    void restore() {
        System.clearProperty("otel.bsp.max.queue.size");
        System.clearProperty("otel.bsp.max.export.batch.size");
        System.clearProperty("otel.bsp.schedule.delay");
        client.close();
    }

    @ParameterizedTest
    @EnumSource(Fault.class)
    void answersAreWholeAndLossesCounted(Fault fault) throws Exception {
        Server backend = backend(fault);
        int port = backend.getPort();
        if (fault == Fault.VANISHED) {
            backend.shutdownNow().awaitTermination();
        }
        try (SpandrelServer server = SpandrelServer.start(config(port), _ -> new ScriptedEngine())) {
            for (int i = 0; i < REQUESTS; i++) {
                String answer = ask(server, i % 2 == 0);
                assertThat(answer).contains("w0").contains("w1").contains("\"length\"");
            }
            Waiting.until(() -> dropped(server) > 0, "lost spans are counted");
        } finally {
            backend.shutdownNow();
        }
    }

    private static Server backend(Fault fault) throws IOException {
        return NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(new TraceServiceGrpc.TraceServiceImplBase() {
                    @Override
                    public void export(
                            ExportTraceServiceRequest request, StreamObserver<ExportTraceServiceResponse> observer) {
                        fault.answer(observer);
                    }
                })
                .build()
                .start();
    }

    private static ServerConfig config(int port) {
        ServeCommand command = new ServeCommand(_ -> {});
        new CommandLine(command)
                .parseArgs(
                        "scripted",
                        "--host=127.0.0.1",
                        "--port=0",
                        "--collect-detailed-traces=request",
                        "--otlp-traces-endpoint=grpc://127.0.0.1:" + port);
        return command.config();
    }

    private String ask(SpandrelServer server, boolean stream) throws IOException, InterruptedException {
        String body = "{\"prompt\": \"a\", \"max_tokens\": 2, \"stream\": " + stream + "}";
        return client.send(
                        HttpRequest.newBuilder(uri(server, "/v1/completions"))
                                .POST(HttpRequest.BodyPublishers.ofString(body))
                                .build(),
                        BodyHandlers.ofString())
                .body();
    }

    private double dropped(SpandrelServer server) {
        try {
            String metrics = client.send(
                            HttpRequest.newBuilder(uri(server, "/metrics")).build(), BodyHandlers.ofString())
                    .body();
            return DROPPED.matcher(metrics)
                    .results()
                    .mapToDouble(match -> Double.parseDouble(match.group(1)))
                    .sum();
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static URI uri(SpandrelServer server, String path) {
        return URI.create("http://127.0.0.1:" + server.port() + path);
    }
}

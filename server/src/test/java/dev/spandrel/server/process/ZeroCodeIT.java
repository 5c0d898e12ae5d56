package dev.spandrel.server.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.opentelemetry.proto.trace.v1.Span.SpanKind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The server under the OpenTelemetry Java agent, with no flag of ours: one trace, one HTTP span, context joined. */
class ZeroCodeIT {
    private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
    private static final String PARENT = "00f067aa0ba902b7";
    /** As the agent names Helidon's routes. */
    private static final String HTTP = "POST /v1/completions/";

    private static final Path AGENT =
            Path.of("target", "java-agent", "opentelemetry-javaagent.jar").toAbsolutePath();

    @Test
    void underTheJavaAgentTheTraceIsTheSame() throws IOException {
        try (OtlpBackend backend = new OtlpBackend();
                LaunchedProcess server = Launcher.serve("--collect-detailed-traces=request")
                        .with("SPANDREL_JAVA_OPTS", "-javaagent:" + AGENT)
                        .with(Map.of(
                                "OTEL_SERVICE_NAME", "vllm-server",
                                "OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:" + backend.httpPort(),
                                "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf",
                                "OTEL_METRICS_EXPORTER", "none",
                                "OTEL_LOGS_EXPORTER", "none",
                                "OTEL_BSP_SCHEDULE_DELAY", "50"))
                        .start();
                Api api = new Api(server.awaitServerPort())) {
            String body = "{\"prompt\": \"Once upon a time\", \"max_tokens\": 4, \"temperature\": 0}";
            api.complete(body, "traceparent", "00-" + TRACE + "-" + PARENT + "-01");
            backend.await("llm_request", span -> span.name().equals("llm_request"), server);
            // The agent ends it later, and closes its SDK at SIGTERM without asking who is still at work.
            backend.await(HTTP, span -> span.name().equals(HTTP), server);
            assertThat(server.stop()).as("%s", server).isZero();

            List<ReceivedSpan> spans = backend.spans().stream()
                    .filter(span -> span.traceId().equals(TRACE))
                    .toList();
            assertThat(spans)
                    .as("%s", backend)
                    .extracting(ReceivedSpan::name)
                    .containsExactlyInAnyOrder(
                            HTTP, "llm_request", "tokenize", "queue", "prefill", "prefill_chunk", "decode", "finish");
            ReceivedSpan http = named(spans, HTTP);
            assertThat(http.kind()).isEqualTo(SpanKind.SPAN_KIND_SERVER);
            assertThat(http.parentId()).isEqualTo(PARENT);
            assertThat(http.service()).isEqualTo("vllm-server");
            ReceivedSpan request = named(spans, "llm_request");
            assertThat(request.parentId()).isEqualTo(http.spanId());
            assertThat(request.attributes()).containsEntry("gen_ai.usage.completion_tokens", 4L);
            assertThat(named(spans, "decode").parentId()).isEqualTo(request.spanId());
        }
    }

    private static ReceivedSpan named(List<ReceivedSpan> spans, String name) {
        return spans.stream()
                .filter(span -> span.name().equals(name))
                .findFirst()
                .orElseThrow();
    }
}

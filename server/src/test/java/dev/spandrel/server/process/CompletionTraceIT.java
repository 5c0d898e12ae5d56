package dev.spandrel.server.process;

import static dev.spandrel.server.process.CompletionTrace.CLIENT;
import static dev.spandrel.server.process.CompletionTrace.HTTP;
import static dev.spandrel.server.process.CompletionTrace.LLM_REQUEST;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * vLLM's OpenTelemetry example: client, server and backend make one trace, directly and through the sidecar, by either
 * protocol. All processes are stopped before the trace is looked at, so that nothing can come later.
 */
class CompletionTraceIT {
    private static final String PROMPT = "Once upon a time";
    private static final Pattern ANSWER = Pattern.compile("\\A(.+)\\ntrace id: ([0-9a-f]{32})\\n\\z", Pattern.DOTALL);

    /** Two thirds of the processor time of a process that lives for half a second. */
    private static final String SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";

    @AutoClose
    private OtlpBackend backend;

    @BeforeEach
    void start() throws IOException {
        backend = new OtlpBackend();
    }

    @ParameterizedTest
    @EnumSource(Protocol.class)
    void serverAndClientSendToTheBackend(Protocol protocol) throws IOException {
        int port = protocol.port(backend);
        try (LaunchedProcess server = protocol.pointServer(server(), port).start()) {
            Asked asked = ask(server, protocol, port);
            assertThat(server.stop()).as("%s", server).isZero();
            isOneTraceOfThree(asked, protocol);
        }
    }

    @ParameterizedTest
    @CsvSource({"GRPC, HTTP", "HTTP, GRPC"})
    void theSidecarStandsBetween(Protocol in, Protocol out) throws IOException {
        try (LaunchedProcess sidecar =
                Launcher.sidecar().with(out.everything(out.port(backend))).start()) {
            int port = SidecarPorts.await(sidecar).port(in);
            try (LaunchedProcess server = in.pointServer(server(), port).start()) {
                Asked asked = ask(server, in, port);
                assertThat(server.stop()).as("%s", server).isZero();
                assertThat(sidecar.stop()).as("%s", sidecar).isZero();
                isOneTraceOfThree(asked, out);
            }
        }
    }

    @Test
    void withoutHttpSpansThereAreTheTwoOfTheExample() throws IOException {
        int port = backend.grpcPort();
        Launcher command = server().and("--otlp-traces-endpoint", "127.0.0.1:" + port, "--no-http-spans");
        try (LaunchedProcess server = command.start()) {
            Asked asked = ask(server, Protocol.GRPC, port);
            assertThat(server.stop()).as("%s", server).isZero();
            CompletionTrace trace = trace(asked).hasExactly(asked.traceId(), CLIENT, LLM_REQUEST);
            trace.isBelow(LLM_REQUEST, CLIENT);
            trace.clientSpanHolds(PROMPT, "client-service");
            new LlmRequestSpan(trace.span(LLM_REQUEST)).isComplete("vllm-server");
        }
    }

    private static Launcher server() {
        return Launcher.serve().with("OTEL_SERVICE_NAME", "vllm-server");
    }

    /** What the client printed, and whom it asked. */
    private record Asked(int port, String text, String traceId) {}

    private static Asked ask(LaunchedProcess server, Protocol protocol, int traces) throws IOException {
        int port = server.awaitServerPort();
        Launcher command = Launcher.spandrel("client", PROMPT, "--base-url", "http://127.0.0.1:" + port)
                .with("SPANDREL_JAVA_OPTS", SHORT_LIVED)
                .with("OTEL_SERVICE_NAME", "client-service")
                .with(protocol.traces(traces));
        try (LaunchedProcess client = command.start()) {
            assertThat(client.awaitExit()).as("%s\n%s", client, server).isZero();
            assertThat(client.err()).isEmpty();
            MatchResult answer =
                    ANSWER.matcher(client.out()).results().findFirst().orElseThrow();
            return new Asked(port, answer.group(1), answer.group(2));
        }
    }

    /** All there is but the server's own start, which is a trace of its own. */
    private CompletionTrace trace(Asked asked) {
        List<ReceivedSpan> starts = backend.spans().stream()
                .filter(span -> span.name().equals("start"))
                .toList();
        assertThat(starts)
                .as("%s", backend)
                .singleElement()
                .satisfies(start -> assertThat(start.traceId()).isNotEqualTo(asked.traceId()));
        return new CompletionTrace(
                backend.spans().stream()
                        .filter(span -> !span.traceId().equals(starts.getFirst().traceId()))
                        .toList(),
                backend);
    }

    private void isOneTraceOfThree(Asked asked, Protocol arrival) {
        CompletionTrace trace = trace(asked).hasExactly(asked.traceId(), CLIENT, HTTP, LLM_REQUEST);
        assertThat(trace.spans()).extracting(ReceivedSpan::transport).containsOnly(arrival.transport());
        assertThat(asked.text()).isNotBlank();
        trace.isBelow(HTTP, CLIENT);
        trace.isBelow(LLM_REQUEST, HTTP);
        trace.isWithin(LLM_REQUEST, HTTP);
        trace.clientSpanHolds(PROMPT, "client-service");
        trace.httpSpanHolds(asked.port(), "vllm-server");
        LlmRequestSpan request = new LlmRequestSpan(trace.span(LLM_REQUEST));
        request.isComplete("vllm-server");
        request.asked(32, 1.0, 1.0);
    }
}

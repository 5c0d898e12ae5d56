package dev.spandrel.server.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** {@code ./spandrel dev}: both processes in one command, whatever the ports, and none of them when it is over. */
class DevIT {
    private static final int[] USUAL_PORTS = {8000, 4317, 4318, 13133};

    /** Ends after more steps than a test can take to stop it. */
    private static final String LONG_COMPLETION = """
            {"prompt": "Once upon a time", "max_tokens": 500, "n": 8, "ignore_eos": true}""";

    @AutoClose
    private static OtlpBackend backend;

    @AutoClose
    private static TakenPorts taken;

    @AutoClose
    private static LaunchedProcess printing;

    @AutoClose
    private static LaunchedProcess delivering;

    /** Two runs side by side: neither may take the other's ports or files. */
    @BeforeAll
    static void start() throws IOException {
        backend = new OtlpBackend();
        taken = new TakenPorts(8000, 4317, 4318, 13133);
        printing = Launcher.spandrel("dev", "--print-traces").start();
        DevRun.await(printing);
        delivering = Launcher.spandrel("dev")
                .with("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:" + backend.grpcPort())
                .start();
        DevRun.await(delivering);
    }

    @Test
    void takenPortsAreReplacedByFreeOnes() {
        List<Integer> ports = new ArrayList<>(DevRun.await(printing).ports());
        ports.addAll(DevRun.await(delivering).ports());
        assertThat(ports).doesNotHaveDuplicates().doesNotContain(8000, 4317, 4318, 13133);
    }

    @Test
    void withABackendItDeliversAndStopsInOrderSoThatTheLastSpansArrive() throws Exception {
        DevRun run = DevRun.await(delivering);
        // Metrics are for the trace page unless a backend is named for them.
        assertThat(run.destination()).isEqualTo("grpc://127.0.0.1:" + backend.grpcPort() + " (traces, logs, profiles)");
        try (Api api = new Api(run.api());
                Api sidecar = new Api(run.health())) {
            assertThat(sidecar.get("/ready").statusCode()).isEqualTo(200);
            HttpResponse<String> answer = api.complete(run.curlBody(), "X-Request-Id", "curl");
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
            awaitTwoSpans("cmpl-curl-0");
            try (Socket _ = api.beginCompletion(LONG_COMPLETION, "cut")) {
                Await.until("running sequences", () -> api.running() == 8, delivering::toString);
                leavesNothing(delivering, delivering::terminate, 0);
            }
        }
        // Nobody is left to deliver later: had the sidecar gone first, these would be lost.
        assertThat(backend.spans())
                .as("%s", delivering)
                .filteredOn(span -> "cmpl-cut-0".equals(span.attributes().get("gen_ai.request.id")))
                .hasSize(8)
                .allSatisfy(span -> new LlmRequestSpan(span).wasAborted());
    }

    private static void awaitTwoSpans(String requestId) {
        ReceivedSpan request = backend.await(
                "llm_request of " + requestId,
                span -> requestId.equals(span.attributes().get("gen_ai.request.id")),
                delivering);
        ReceivedSpan http = backend.await("its parent", span -> span.spanId().equals(request.parentId()), delivering);
        assertThat(http.name()).isEqualTo("POST /v1/completions");
        assertThat(List.of(http.service(), request.service())).containsOnly("spandrel");
        assertThat(http.transport()).isEqualTo("grpc");
    }

    @Test
    void withoutABackendItPrintsTracesAndEndsWhenTheServerDies() throws Exception {
        DevRun run = DevRun.await(printing);
        assertThat(run.destination()).isEqualTo("no backend, kept here");
        assertThat(run.curlUrl()).isEqualTo("http://127.0.0.1:" + run.api() + "/v1/completions");
        try (Api api = new Api(run.api())) {
            assertThat(api.complete(run.curlBody()).statusCode()).isEqualTo(200);
        }
        printing.awaitOut(tree());
        ProcessHandle server = DevRun.child(printing, "spandrel-server.jar");
        leavesNothing(printing, server::destroyForcibly, 1);
        assertThat(printing.err()).contains("spandrel: the server ended; its log is .spandrel/dev/");
    }

    /** llm_request below the HTTP span and its phases below it, with durations and attributes. */
    private static Pattern tree() {
        return Pattern.compile("""
                ^trace [0-9a-f]{32}, 8 spans, [0-9.]+ ms
                └─ POST /v1/completions  SERVER  spandrel  [0-9.]+ ms
                (?:   │ +\\S+ = .*
                )+   └─ llm_request  SERVER  spandrel  [0-9.]+ ms
                (?: +│ +(?:\\S+ = |event ).*
                )+ +├─ tokenize  INTERNAL  spandrel  [0-9.]+ ms""", Pattern.MULTILINE);
    }

    @Test
    void ctrlCWhileStartingStopsBoth() throws Exception {
        try (LaunchedProcess launcher = Launcher.spandrel("dev").start()) {
            DevRun.child(launcher, "spandrel-sidecar.jar");
            DevRun.child(launcher, "spandrel-server.jar");
            leavesNothing(launcher, launcher::interrupt, 0);
            assertThat(launcher.out()).doesNotContain("ready").contains("Stopping");
        }
    }

    @Test
    void aServerThatDoesNotStartIsToldAndTheSidecarGoesToo() throws Exception {
        try (LaunchedProcess launcher =
                Launcher.spandrel("dev", "--model", "no-such-model").start()) {
            ProcessHandle sidecar = DevRun.child(launcher, "spandrel-sidecar.jar");
            leavesNothing(launcher, () -> {}, 1);
            assertThat(sidecar.isAlive()).isFalse();
            assertThat(launcher.err())
                    .contains("cannot load no-such-model")
                    .contains("spandrel: the server did not start; its log is .spandrel/dev/");
        }
    }

    @Test
    void aFlagThatTheServerDoesNotKnowEndsAsItDoesWithServe() throws Exception {
        try (LaunchedProcess launcher = Launcher.spandrel("dev", "--nonsense").start()) {
            leavesNothing(launcher, () -> {}, 2);
            assertThat(launcher.err())
                    .contains("spandrel serve: Unknown option: '--nonsense'")
                    .contains("spandrel: the server did not start");
        }
    }

    /** What makes a run end. */
    private interface Blow {
        void strike() throws IOException, InterruptedException;
    }

    private static void leavesNothing(LaunchedProcess launcher, Blow blow, int exitCode) throws Exception {
        List<ProcessHandle> family = launcher.descendants();
        blow.strike();
        assertThat(launcher.awaitExit()).as("%s", launcher).isEqualTo(exitCode);
        Await.until(
                "the end of " + family, () -> family.stream().noneMatch(ProcessHandle::isAlive), launcher::toString);
    }
}

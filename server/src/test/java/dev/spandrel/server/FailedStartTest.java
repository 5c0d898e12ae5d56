package dev.spandrel.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.telemetry.TraceBackend;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status.StatusCode;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A start that fails has sent its trace before the program ends. */
@Timeout(60)
class FailedStartTest {
    @TempDir
    private Path folder;

    private record Outcome(int exitCode, String error, List<Span> spans) {
        Span span(String name) {
            return spans.stream()
                    .filter(span -> span.getName().equals(name))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private static Outcome serve(String... arguments) throws Exception {
        StringWriter error = new StringWriter();
        try (TraceBackend backend = new TraceBackend()) {
            List<String> all = new ArrayList<>(List.of("serve", "--host=127.0.0.1"));
            all.addAll(List.of(arguments));
            all.add("--otlp-traces-endpoint=127.0.0.1:" + backend.grpcPort());
            int code = Main.commandLine(_ -> {})
                    .setErr(new PrintWriter(error, true))
                    .execute(all.toArray(String[]::new));
            return new Outcome(code, error.toString(), backend.spans());
        }
    }

    @Test
    void aModelThatCannotBeRun() throws Exception {
        Files.writeString(folder.resolve("config.json"), "{\"architectures\": [\"NobodyForCausalLM\"]}");
        Outcome outcome = serve("--port=0", "--model=" + folder);
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.spans()).extracting(Span::getName).contains("start", "load", "locate_model", "read_config");
        for (String name : List.of("start", "load")) {
            assertThat(outcome.span(name).getStatus().getCode()).isEqualTo(StatusCode.STATUS_CODE_ERROR);
            assertThat(outcome.error()).contains(outcome.span(name).getStatus().getMessage());
        }
        assertThat(outcome.span("read_config").getStatus().getCode()).isEqualTo(StatusCode.STATUS_CODE_UNSET);
    }

    @Test
    void aPortThatIsTaken() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Outcome outcome = serve("--port=" + taken.getLocalPort(), "--model=../models/spandrel-tiny");
            assertThat(outcome.exitCode()).isEqualTo(1);
            assertThat(outcome.spans()).extracting(Span::getName).containsExactly("start");
            assertThat(outcome.span("start").getStatus().getMessage()).contains("cannot listen on 127.0.0.1");
        }
    }
}

package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import dev.spandrel.server.telemetry.EngineMetrics;
import io.helidon.webserver.http.ServerRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whose conversation a request says it belongs to; vLLM's test_session_id. */
class SessionIdTest {
    private static final Optional<String> HEADER = Optional.of("header-session");

    private static Optional<String> read(String body, Optional<String> header) {
        RequestFields fields = RequestFields.parse(body.getBytes(StandardCharsets.UTF_8));
        return SessionId.read(fields, header).map(SessionId::value);
    }

    @Test
    void theBodyGoesBeforeTheHeaderAndTheHeaderBeforeExtraArguments() {
        String arguments = "\"vllm_xargs\":{\"session_id\":\"xargs-session\"}";
        assertThat(read("{\"session_id\":\"body-session\"," + arguments + "}", HEADER))
                .contains("body-session");
        assertThat(read("{" + arguments + "}", HEADER)).contains("header-session");
        assertThat(read("{" + arguments + "}", Optional.empty())).contains("xargs-session");
        assertThat(read("{}", Optional.empty())).isEmpty();
    }

    @Test
    void emptyOnesAndArgumentsThatAreNoStringAreNone() {
        assertThat(read("{\"session_id\":\"\",\"vllm_xargs\":{\"session_id\":7}}", Optional.of("")))
                .isEmpty();
        assertThat(read("{\"session_id\":null}", HEADER)).contains("header-session");
    }

    @Test
    void whatCannotBeOneIsRefused() {
        assertThatThrownBy(() -> read("{\"session_id\":7}", HEADER))
                .isInstanceOf(OpenAiException.class)
                .hasMessageContaining("body.session_id: expected a string, found 7");
        String longest = "x".repeat(256);
        assertThat(read("{}", Optional.of(longest))).contains(longest);
        assertThatThrownBy(() -> read("{}", Optional.of(longest + "x")))
                .isInstanceOf(OpenAiException.class)
                .hasMessageContaining("256 characters, got 257");
    }

    /** What a listener finds in the context of each request. */
    private record Heard(BlockingQueue<String> sessions) implements GenerationListener {
        private void note(ServerRequest request) {
            sessions.add(
                    request.context().get(SessionId.class).map(SessionId::value).orElse(""));
        }

        @Override
        public void onEnd(ServerRequest request, List<EndedGeneration> generations) {
            note(request);
        }

        @Override
        public void onEmbedded(ServerRequest request, List<EndedEmbedding> embeddings) {
            note(request);
        }

        @Override
        public void onRefused(ServerRequest request, RefusedRequest refused) {
            note(request);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "/v1/completions|\"prompt\":\"a\"|200",
                "/v1/chat/completions|\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]|200",
                "/v1/chat/completions/batch|\"messages\":[[{\"role\":\"user\",\"content\":\"a\"}]]|200",
                "/v1/responses|\"input\":\"a\"|200",
                "/v1/embeddings|\"input\":\"a\"|200",
                "/invocations|\"prompt\":\"a\"|200",
                "/v1/completions|\"prompt\":\"a\",\"n\":0|400"
            })
    void everyEndpointKnowsIt(String path, String body, int status) throws InterruptedException {
        Heard heard = new Heard(new LinkedBlockingQueue<>());
        try (TestServer server = TestServer.start(new ScriptedEngine(), new EngineMetrics(), heard, List.of())) {
            HttpResponse<String> response =
                    server.post(path, "{" + body + "}", "X-Session-ID", "s", "X-Correlation-ID", "c");
            assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
            assertThat(heard.sessions().poll(5, TimeUnit.SECONDS)).isEqualTo("s");
            response = server.post(path, "{" + body + ",\"session_id\":[]}");
            assertThat(response.statusCode()).isEqualTo(400);
            assertThat(response.body()).contains("session_id");
            assertThat(heard.sessions().poll(5, TimeUnit.SECONDS)).isEmpty();
        }
    }
}

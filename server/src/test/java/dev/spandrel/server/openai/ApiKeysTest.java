package dev.spandrel.server.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.ListenerSettingsBuilder;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who gets in where keys are configured, and what anybody may ask. */
class ApiKeysTest {
    private static TestServer server;

    @BeforeAll
    static void start() {
        server = TestServer.start(
                new ScriptedEngine(),
                new ListenerSettingsBuilder()
                        .keys("first-key", "zweiter-schlüssel")
                        .build());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static HttpResponse<String> models(String authorization) {
        HttpRequest.Builder request = HttpRequest.newBuilder(server.uri("/v1/models"));
        if (!authorization.isEmpty()) {
            request.header("Authorization", authorization);
        }
        return server.send(request.build());
    }

    @ParameterizedTest
    @ValueSource(strings = {"Bearer first-key", "bearer first-key", "Bearer  first-key "})
    void aKnownKeyLetsIn(String authorization) {
        assertThat(models(authorization).statusCode()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "Bearer",
                "Bearer ",
                "Bearer first-ke",
                "Bearer first-keyy",
                "Bearer first-key second-key",
                "first-key",
                "Basic first-key",
                "Bearerfirst-key"
            })
    void anythingElseDoesNot(String authorization) {
        HttpResponse<String> response = models(authorization);
        assertThat(response.statusCode()).isEqualTo(401);
        assertThat(response.body()).isEqualTo("{\"error\":\"Unauthorized\"}");
        assertThat(response.headers().firstValue("WWW-Authenticate")).contains("Bearer");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/health", "/ping", "/load", "/version", "/metrics"})
    void probesAndScrapersNeedNone(String path) {
        assertThat(server.get(path).statusCode()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v1/completions",
                "/v1/chat/completions",
                "/v1/models/",
                "/v1/../v1/models",
                "//v1/models",
                "/health/../v1/models",
                "/V1/models",
                "/unknown"
            })
    void allElseDoes(String path) throws IOException {
        String answer = raw("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assertThat(answer).startsWith("HTTP/1.1 4").doesNotContain("\"object\"");
    }

    @Test
    void theBodyOfARefusedRequestIsNotTakenForTheNext() throws IOException {
        String next = "GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        String answer = raw("POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: " + next.length() + "\r\n\r\n"
                + next + "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assertThat(answer).startsWith("HTTP/1.1 401").doesNotContain("\"version\"");
    }

    private static String raw(String request) throws IOException {
        try (Socket socket = server.connect()) {
            socket.getOutputStream().write(request.getBytes(UTF_8));
            socket.getOutputStream().flush();
            return new String(socket.getInputStream().readAllBytes(), UTF_8);
        }
    }
}

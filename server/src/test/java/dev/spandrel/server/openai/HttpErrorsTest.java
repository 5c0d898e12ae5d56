package dev.spandrel.server.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Bad bodies and bad HTTP: always JSON of the OpenAI shape, and the server lives on. */
class HttpErrorsTest {
    private static TestServer server;

    @BeforeAll
    static void start() {
        server = TestServer.start(new ScriptedEngine());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @AfterEach
    void livesOn() {
        assertThat(server.completion("{\"prompt\":\"a\"}").path("choices").size())
                .isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "{",
                "nonsense",
                "[]",
                "\"text\"",
                "7",
                "null",
                "{\"prompt\":\"a\"} trailing",
                "{\"prompt\":\"a\"}{}",
                "{\"prompt\":\"a\",\"prompt\":\"b\"}",
                "{\"prompt\":\"\\ud800\",}",
                "{\"prompt\":NaN}"
            })
    void whatIsNotOneJsonObjectIs400(String body) {
        JsonNode error = error(server.post("/v1/completions", body), 400);
        assertThat(error.path("type").stringValue()).isEqualTo("Bad Request");
        assertThat(error.path("message").stringValue()).startsWith("1 validation error:");
    }

    @Test
    void deepNestingIsRefusedNotOverflowed() {
        for (String open : new String[] {"[", "{\"a\":"}) {
            JsonNode error =
                    error(server.post("/v1/completions", "{\"prompt\":\"a\",\"x\":" + open.repeat(200_000)), 400);
            assertThat(error.path("message").stringValue()).contains("depth");
        }
    }

    @Test
    void tooManyValuesAreRefused() {
        JsonNode error = error(server.post("/v1/completions", "{\"prompt\":[" + "1,".repeat(1_200_000) + "1]}"), 400);
        assertThat(error.path("message").stringValue()).containsIgnoringCase("token count");
    }

    @Test
    void invalidUtf8Is400() {
        HttpRequest request = HttpRequest.newBuilder(server.uri("/v1/completions"))
                .POST(HttpRequest.BodyPublishers.ofByteArray(
                        new byte[] {'{', '"', 'p', '"', ':', '"', (byte) 0xff, (byte) 0xfe, '"', '}'}))
                .build();
        error(server.send(request), 400);
    }

    @ParameterizedTest
    @ValueSource(strings = {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"})
    void otherContentTypesAre400(String type) {
        JsonNode error = error(server.post("/v1/completions", "{\"prompt\":\"a\"}", "Content-Type", type), 400);
        assertThat(error.path("message").stringValue()).contains("application/json");
    }

    @ParameterizedTest
    @ValueSource(strings = {"application/json", "application/json; charset=utf-8", "Application/JSON"})
    void jsonContentTypesAreFine(String type) {
        assertThat(server.post("/v1/completions", "{\"prompt\":\"a\"}", "Content-Type", type)
                        .statusCode())
                .isEqualTo(200);
    }

    @Test
    void unknownPathIs404() {
        assertThat(error(server.get("/v1/nothing"), 404).path("message").stringValue())
                .contains("/v1/nothing");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v1/completions", "/v1/chat/completions"})
    void otherMethodIs405(String path) {
        HttpResponse<String> response = server.get(path);
        error(response, 405);
        assertThat(response.headers().firstValue("Allow")).contains("POST");
    }

    @Test
    void postToAReadingPathIs405() {
        error(server.post("/v1/models", "{}"), 405);
        error(server.post("/health", "{}"), 405);
    }

    @Test
    void largeBodyIs413ByLengthAndByChunks() throws IOException {
        String answer = raw("POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n");
        assertThat(answer).startsWith("HTTP/1.1 413").contains("\"code\":413");
        String chunked =
                raw("POST /v1/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nA00001\r\n");
        assertThat(chunked).startsWith("HTTP/1.1 413").contains("\"code\":413");
    }

    @Test
    void compressedBodyIs400() {
        JsonNode error = error(server.post("/v1/completions", "\u001f\u008b", "Content-Encoding", "gzip"), 400);
        assertThat(error.path("message").stringValue()).containsIgnoringCase("content-encoding");
    }

    @Test
    void badHttpIs400() throws IOException {
        assertThat(raw("POST /v1/completions HTTP/1.1\r\nContent-Length: x\r\nHost: x\r\n\r\n"))
                .startsWith("HTTP/1.1 400")
                .contains("\"code\":400");
        assertThat(raw("GET /v1/mo dels HTTP/1.1\r\n\r\n"))
                .startsWith("HTTP/1.1 400")
                .contains("\"error\"");
    }

    /** Sends bytes and reads until the server closes. */
    private static String raw(String request) throws IOException {
        try (Socket socket = server.connect()) {
            socket.getOutputStream().write(request.getBytes(UTF_8));
            socket.getOutputStream().flush();
            return new String(socket.getInputStream().readAllBytes(), UTF_8);
        }
    }

    private static JsonNode error(HttpResponse<String> response, int status) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        assertThat(response.headers().firstValue("Content-Type")).contains("application/json");
        JsonNode error = TestServer.JSON.readTree(response.body()).path("error");
        assertThat(error.propertyNames()).containsExactly("message", "type", "param", "code");
        assertThat(error.path("code").intValue()).isEqualTo(status);
        return error;
    }
}

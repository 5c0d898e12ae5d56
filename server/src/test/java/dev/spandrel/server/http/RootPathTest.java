package dev.spandrel.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.server.ListenerSettingsBuilder;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code --root-path}: keys, routes and errors are those of the path behind it. */
class RootPathTest {
    private static TestServer server;

    @BeforeAll
    static void start() {
        server = TestServer.start(
                new ScriptedEngine(),
                new ListenerSettingsBuilder().keys("k").rootPath("/llm/v").build());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @ParameterizedTest
    @CsvSource({
        "/llm/v/health, 200",
        "/health, 200",
        "/llm/v/v1/models, 401",
        "/llm/v/nothing, 401",
        "/llm/vv/health, 401",
        "/llm/v, 401",
        "/llm/v/llm/v/health, 401"
    })
    void getWithoutAKey(String path, int status) {
        assertThat(server.get(path).statusCode()).isEqualTo(status);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/llm/v"})
    void chatWithAKey(String prefix) {
        var response = server.post(
                prefix + "/v1/chat/completions",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"max_tokens\":2}",
                "Authorization",
                "Bearer k");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        assertThat(server.post(prefix + "/v1/chat/completions", "{}").statusCode())
                .isEqualTo(401);
        var stored = server.post(prefix + "/v1/responses", "{\"input\":\"a\"}", "Authorization", "Bearer k");
        assertThat(stored.statusCode()).as(stored.body()).isEqualTo(200);
    }

    @Test
    void theDescriptionNamesIt() {
        assertThat(TestServer.JSON
                        .readTree(server.get("/llm/v/openapi.json").body())
                        .at("/servers/0/url")
                        .asString())
                .isEqualTo("/llm/v");
    }

    @ParameterizedTest
    @ValueSource(strings = {"llm", "/", "/llm/", "/a//b", "/a b"})
    void whatIsNoPathIsRefused(String prefix) {
        assertThatThrownBy(() -> new ListenerSettingsBuilder().rootPath(prefix).build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("--root-path");
    }
}

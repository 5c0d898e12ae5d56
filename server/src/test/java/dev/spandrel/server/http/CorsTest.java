package dev.spandrel.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.ListenerSettings;
import dev.spandrel.server.ListenerSettingsBuilder;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What a browser on another origin may do; a preflight brings no key and asks of paths that take no OPTIONS. */
class CorsTest {
    private static final String PAGE = "https://chat.example.org";

    private static HttpResponse<String> send(TestServer server, String method, String origin, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(server.uri("/v1/models"))
                .method(method, HttpRequest.BodyPublishers.noBody())
                .header("Origin", origin);
        if (headers.length > 0) {
            request.headers(headers);
        }
        return server.send(request.build());
    }

    private static HttpResponse<String> preflight(TestServer server, String origin, String method, String headers) {
        return send(
                server,
                "OPTIONS",
                origin,
                "Access-Control-Request-Method",
                method,
                "Access-Control-Request-Headers",
                headers);
    }

    private static Optional<String> header(HttpResponse<String> response, String name) {
        return response.headers().firstValue(name);
    }

    @Test
    void everybodyMayByDefault() {
        try (TestServer server = TestServer.start(
                new ScriptedEngine(),
                new ListenerSettingsBuilder().keys("secret").build())) {
            HttpResponse<String> allowed = preflight(server, PAGE, "GET", "authorization,x-stainless-os");
            assertThat(allowed.statusCode()).isEqualTo(200);
            assertThat(header(allowed, "Access-Control-Allow-Origin")).contains("*");
            assertThat(header(allowed, "Access-Control-Allow-Methods")).contains("GET");
            assertThat(header(allowed, "Access-Control-Allow-Headers")).contains("authorization, x-stainless-os");
            HttpResponse<String> answer = send(server, "GET", PAGE, "Authorization", "Bearer secret");
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(header(answer, "Access-Control-Allow-Origin")).contains("*");
            assertThat(header(send(server, "GET", PAGE), "Access-Control-Allow-Origin"))
                    .as("a refusal must be readable too")
                    .contains("*");
        }
    }

    @Test
    void onlyThoseNamedMayWhereSomeAre() {
        Cors.Settings cors = new Cors.Settings(List.of(PAGE), List.of("get", "POST"), List.of("Authorization"), true);
        try (TestServer server = TestServer.start(
                new ScriptedEngine(), new ListenerSettingsBuilder().cors(cors).build())) {
            HttpResponse<String> allowed = preflight(server, PAGE, "GET", "authorization, content-type");
            assertThat(allowed.statusCode()).isEqualTo(200);
            assertThat(header(allowed, "Access-Control-Allow-Origin")).contains(PAGE);
            assertThat(header(allowed, "Access-Control-Allow-Credentials")).contains("true");
            assertThat(header(allowed, "Vary")).contains("Origin");
            assertThat(preflight(server, PAGE, "DELETE", "").statusCode()).isEqualTo(400);
            assertThat(preflight(server, PAGE, "GET", "x-other").statusCode()).isEqualTo(400);
            HttpResponse<String> other = preflight(server, "https://evil.example.org", "GET", "");
            assertThat(other.statusCode()).isEqualTo(400);
            assertThat(header(other, "Access-Control-Allow-Origin")).isEmpty();
            assertThat(header(send(server, "GET", "https://evil.example.org"), "Access-Control-Allow-Origin"))
                    .isEmpty();
        }
    }

    @Test
    void withoutAnOriginNothingIsAdded() {
        try (TestServer server = TestServer.start(new ScriptedEngine(), ListenerSettings.DEFAULT)) {
            HttpResponse<String> answer = server.get("/v1/models");
            assertThat(header(answer, "Access-Control-Allow-Origin")).isEmpty();
            HttpRequest options = HttpRequest.newBuilder(server.uri("/v1/models"))
                    .method("OPTIONS", HttpRequest.BodyPublishers.noBody())
                    .build();
            assertThat(server.send(options).statusCode()).isEqualTo(405);
        }
    }
}

package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.ListenerSettings;
import dev.spandrel.server.ListenerSettingsBuilder;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.ServedModels;
import dev.spandrel.server.TestServer;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The description that is kept by hand says what routes and fields there are, no more and no less. */
class OpenApiTest {
    private final ScriptedEngine engine = new ScriptedEngine();

    private static JsonNode description(TestServer server) {
        return TestServer.JSON.readTree(server.get("/openapi.json").body());
    }

    /** An object that notes what it is asked for. */
    private static final class Noting extends ObjectNode {
        private static final long serialVersionUID = 1L;
        private final transient Set<String> asked = new TreeSet<>();

        Noting() {
            super(JsonNodeFactory.instance);
        }

        @Override
        public JsonNode get(String name) {
            asked.add(name);
            return super.get(name);
        }
    }

    @Test
    void routesAndMethodsAreThoseOfTheServer() {
        try (TestServer server = TestServer.start(engine)) {
            Map<String, String> described = new TreeMap<>();
            JsonNode paths = description(server).path("paths");
            paths.propertyNames().forEach(path -> {
                Set<String> methods = new TreeSet<>();
                paths.path(path)
                        .propertyNames()
                        .forEach(method -> methods.add(method.toUpperCase(java.util.Locale.ROOT)));
                if (path.contains("{")) {
                    assertIsThere(server, path.replace("{id}", "nobodys"), methods);
                } else {
                    described.put(path, String.join(", ", methods));
                }
            });
            assertThat(described)
                    .as("server/src/main/resources/dev/spandrel/server/openai/openapi.json, \"paths\"")
                    .isEqualTo(new TreeMap<>(ServedModels.methodsByPath()));
            assertThat(description(server).path("info").path("version").asString())
                    .isEqualTo("1.2.3");
        }
    }

    /** A path with an id is there when what it says is missing is the id's owner. */
    private static void assertIsThere(TestServer server, String path, Set<String> methods) {
        for (String method : methods) {
            HttpResponse<String> response = server.send(HttpRequest.newBuilder(server.uri(path))
                    .method(method, HttpRequest.BodyPublishers.noBody())
                    .build());
            assertThat(response.statusCode()).isEqualTo(404);
            assertThat(response.body()).contains("nobodys").doesNotContain("There is no " + method);
        }
    }

    @Test
    void fieldsOfACompletionAreThoseThatAreRead() {
        fieldsAre("CompletionRequest", body -> {
            if (!body.has("prompt")) {
                body.put("prompt", "a");
            }
            SessionId.read(RequestFields.of(body), Optional.empty());
            CompletionRequest.read(RequestFields.of(body), ids(), ServedModels.scripted(engine));
        });
    }

    @Test
    void fieldsOfAChatAreThoseThatAreRead() {
        fieldsAre("ChatCompletionRequest", body -> {
            if (!body.has("messages")) {
                body.putArray("messages").addObject().put("role", "user").put("content", "a");
            }
            SessionId.read(RequestFields.of(body), Optional.empty());
            ChatCompletionRequest.read(RequestFields.of(body), ids(), ServedModels.scripted(engine), engine);
        });
    }

    private static RequestIds ids() {
        return new RequestIds(Optional.empty(), new Random(1));
    }

    /** What the reader asks for, without what it only asks for to refuse it by name. */
    private static Set<String> implemented(Consumer<ObjectNode> reader) {
        Noting body = new Noting();
        reader.accept(body);
        body.asked.removeIf(name -> refusesByName(name, reader));
        return body.asked;
    }

    /** Whether a value that fits no field is answered with "not supported" rather than with what would fit. */
    private static boolean refusesByName(String name, Consumer<ObjectNode> reader) {
        ObjectNode body = TestServer.JSON.createObjectNode();
        body.putObject(name).put("unknown", 1);
        try {
            reader.accept(body);
            return false;
        } catch (OpenAiException e) {
            return e.error().message().contains("not supported by this server");
        }
    }

    private void fieldsAre(String schema, Consumer<ObjectNode> reader) {
        try (TestServer server = TestServer.start(engine)) {
            Set<String> described = new TreeSet<>(description(server)
                    .path("components")
                    .path("schemas")
                    .path(schema)
                    .path("properties")
                    .propertyNames());
            assertThat(described)
                    .as("server/src/main/resources/dev/spandrel/server/openai/openapi.json, \"%s\"", schema)
                    .isEqualTo(implemented(reader));
        }
    }

    @Test
    void thePageAsksNoOtherHost() {
        try (TestServer server = TestServer.start(engine)) {
            HttpResponse<String> page = server.get("/docs");
            assertThat(page.headers().firstValue("Content-Type")).contains("text/html; charset=utf-8");
            assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow())
                    .contains("default-src 'none'", "connect-src 'self'");
            assertThat(page.body())
                    .contains("<title>Spandrel API</title>")
                    .doesNotContain("http://", "https://", "src=");
        }
    }

    @Test
    void neitherIsThereWhereNobodyWantsThem() {
        ListenerSettings settings = new ListenerSettingsBuilder().docs(false).build();
        try (TestServer server = TestServer.start(engine, settings)) {
            assertThat(server.get("/openapi.json").statusCode()).isEqualTo(404);
            assertThat(server.get("/docs").statusCode()).isEqualTo(404);
        }
    }
}

package dev.spandrel.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.helidon.http.Status;
import io.helidon.webclient.api.ClientResponseTyped;
import io.helidon.webclient.http1.Http1Client;
import io.helidon.webclient.http1.Http1ClientResponse;
import io.helidon.webserver.WebServerConfig;
import io.helidon.webserver.testing.junit5.ServerTest;
import io.helidon.webserver.testing.junit5.SetUpServer;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The small endpoints, and one completion, through Helidon's own test support. */
@ServerTest
class ApiServerTest {
    private static final ScriptedEngine ENGINE = new ScriptedEngine();

    private final Http1Client client;

    ApiServerTest(Http1Client client) {
        this.client = client;
    }

    @SetUpServer
    static void setUp(WebServerConfig.Builder server) {
        TestServer.configure(server, ENGINE);
    }

    @Test
    void healthFollowsTheEngine() {
        assertThat(status("/health")).isEqualTo(Status.OK_200);
        ENGINE.healthy(false);
        assertThat(status("/health")).isEqualTo(Status.SERVICE_UNAVAILABLE_503);
        assertThat(status("/ping")).isEqualTo(Status.SERVICE_UNAVAILABLE_503);
        ENGINE.healthy(true);
        assertThat(status("/ping")).isEqualTo(Status.OK_200);
    }

    @Test
    void versionIsTold() {
        assertThat(get("/version").entity()).isEqualTo("{\"version\":\"1.2.3\"}");
    }

    @Test
    void modelsHaveVllmsCards() {
        JsonNode models = TestServer.JSON.readTree(get("/v1/models").entity());
        assertThat(models.path("object").stringValue()).isEqualTo("list");
        assertThat(models.path("data").size()).isEqualTo(2);
        JsonNode card = models.path("data").get(0);
        assertThat(card.propertyNames())
                .containsExactly(
                        "id", "object", "created", "owned_by", "root", "parent", "max_model_len", "permission");
        assertThat(card.path("id").stringValue()).isEqualTo("scripted");
        assertThat(card.path("root").stringValue()).isEqualTo("/models/scripted");
        assertThat(card.path("max_model_len").intValue()).isEqualTo(ScriptedEngine.MAX_MODEL_LEN);
        assertThat(card.path("permission").get(0).path("object").stringValue()).isEqualTo("model_permission");
    }

    @Test
    void completes() {
        ClientResponseTyped<String> response = client.post("/v1/completions")
                .contentType(io.helidon.common.media.type.MediaTypes.APPLICATION_JSON)
                .submit("{\"prompt\":\"a\",\"max_tokens\":2}", String.class);
        assertThat(response.status()).isEqualTo(Status.OK_200);
        assertThat(TestServer.JSON
                        .readTree(response.entity())
                        .path("choices")
                        .get(0)
                        .path("text")
                        .stringValue())
                .isEqualTo(" w0 w1");
    }

    @Test
    void metricsArePrometheusText() {
        ClientResponseTyped<String> response = get("/metrics");
        assertThat(response.headers().contentType().orElseThrow().text())
                .startsWith("text/plain")
                .contains("version=0.0.4");
        assertThat(response.entity()).contains("vllm:num_requests_running{engine=\"0\",model_name=\"scripted\"} 1.0\n");
    }

    /** Probes look at the status only; there is no body. */
    private Status status(String path) {
        try (Http1ClientResponse response = client.get(path).request()) {
            return response.status();
        }
    }

    private ClientResponseTyped<String> get(String path) {
        return client.get(path).request(String.class);
    }
}

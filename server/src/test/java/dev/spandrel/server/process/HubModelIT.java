package dev.spandrel.server.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * {@code ./spandrel serve --model facebook/opt-125m} against a Hub on loopback, with a folder of that layout:
 * pytorch_model.bin, vocab.json, merges.txt (bench/reference/opt_layout.py).
 */
class HubModelIT {
    private static final String ID = "facebook/opt-125m";
    private static final Path RESOURCES = Path.of("src/test/resources");

    @TempDir
    Path home;

    private Launcher serve(String endpoint) {
        return Launcher.spandrel("serve", "--model", ID, "--port", "0")
                .with("HF_ENDPOINT", endpoint)
                .with("HF_HOME", home.toString());
    }

    @Test
    void isFetchedServedAndServedAgainOffline() throws IOException {
        String endpoint;
        try (HubDouble hub = new HubDouble(ID, RESOURCES.resolve("opt-125m"))) {
            endpoint = hub.endpoint();
            try (LaunchedProcess server = serve(endpoint).start()) {
                check(server);
                assertThat(server.stop()).as("%s", server).isZero();
            }
            assertThat(hub.requests)
                    .anyMatch(path -> path.endsWith("/pytorch_model.bin"))
                    .anyMatch(path -> path.endsWith("/merges.txt"));
        }
        try (LaunchedProcess server =
                serve(endpoint).with("HF_HUB_OFFLINE", "1").start()) {
            check(server);
        }
    }

    private static void check(LaunchedProcess server) throws IOException {
        JsonNode expected = Api.json(Files.readString(RESOURCES.resolve("opt-125m-expected.json")));
        try (Api api = new Api(server.awaitServerPort())) {
            JsonNode models = Api.json(api.get("/v1/models").body());
            assertThat(models.path("data").path(0).path("id").asString()).isEqualTo(ID);
            JsonNode answer = Api.json(api.complete("{\"model\":\"" + ID + "\",\"prompt\":\""
                            + expected.path("prompt").asString() + "\",\"temperature\":0,\"max_tokens\":"
                            + expected.path("completion_tokens").asInt() + "}")
                    .body());
            assertThat(answer.path("choices").path(0).path("text").asString())
                    .as("%s", answer)
                    .isEqualTo(expected.path("text").asString());
            assertThat(answer.path("usage").path("prompt_tokens").asInt())
                    .isEqualTo(expected.path("prompt_tokens").asInt());
        }
    }

    @Test
    void aModelTheHubDoesNotHaveIsToldInOneLine() throws IOException {
        try (HubDouble hub = new HubDouble("facebook/other", RESOURCES.resolve("opt-125m"));
                LaunchedProcess server = serve(hub.endpoint()).start()) {
            assertThat(server.awaitExit()).as("%s", server).isEqualTo(1);
            assertThat(server.err())
                    .hasLineCount(1)
                    .startsWith("spandrel serve: cannot load " + ID + ": ")
                    .contains("answered 401 RepoNotFound for main", "set HF_TOKEN");
        }
    }

    @Test
    void anUnknownLoadFormatIsAUsageErrorWithThoseThereAre() throws IOException {
        try (LaunchedProcess server = Launcher.serve("--load-format", "zip").start()) {
            assertThat(server.awaitExit()).as("%s", server).isEqualTo(2);
            assertThat(server.err().lines().findFirst().orElse(""))
                    .contains("--load-format: expected one of auto, safetensors, pt, gguf, dummy, found zip");
        }
    }
}

package dev.spandrel.engine.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.checkpoint.LoadFormat;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelHubTest {
    private static final String ID = "owner/tiny-opt";

    @TempDir
    Path folder;

    private HubDouble hub;
    private byte[] weights;
    private Duration readTimeout = Duration.ofSeconds(60);
    private String revision = "";
    private LoadFormat format = LoadFormat.AUTO;
    private final List<Duration> waits = new CopyOnWriteArrayList<>();

    @BeforeEach
    void start() throws IOException {
        hub = new HubDouble();
        weights = new byte[300_000];
        new Random(20_261_123).nextBytes(weights);
        hub.files.put("config.json", "{\"architectures\":[]}".getBytes(StandardCharsets.UTF_8));
        hub.files.put("vocab.json", "{}".getBytes(StandardCharsets.UTF_8));
        hub.files.put("merges.txt", new byte[0]);
        hub.files.put("pytorch_model.bin", weights);
        hub.files.put("README.md", new byte[10]);
        hub.files.put("flax_model.msgpack", new byte[10]);
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    @Test
    void fetchesWhatIsNeededIntoTheCacheOthersShare() throws IOException {
        LocatedModel found = locate(ID, false);
        assertThat(found.name()).isEqualTo(ID);
        assertThat(found.folder())
                .isEqualTo(folder.resolve("hub/models--owner--tiny-opt/snapshots/" + HubDouble.COMMIT));
        assertThat(Files.readAllBytes(found.folder().resolve("pytorch_model.bin")))
                .isEqualTo(weights);
        assertThat(Files.readSymbolicLink(found.folder().resolve("pytorch_model.bin")))
                .isEqualTo(Path.of("../../blobs/" + HubDouble.sha256(weights)));
        assertThat(found.folder())
                .isDirectoryNotContaining("glob:**README.md")
                .isDirectoryContaining("glob:**merges.txt");
        assertThat(folder.resolve("hub/models--owner--tiny-opt/refs/main")).hasContent(HubDouble.COMMIT);
        try (var blobs = Files.list(folder.resolve("hub/models--owner--tiny-opt/blobs"))) {
            assertThat(blobs).hasSize(4).noneMatch(blob -> blob.toString().endsWith(".incomplete"));
        }
    }

    @Test
    void theTokenGoesToTheHubAlone() {
        locate(ID, false);
        assertThat(hub.requests).anyMatch(line -> line.startsWith("/api/models/") && line.endsWith("Bearer secret"));
        assertThat(hub.requests)
                .filteredOn(line -> line.startsWith("/store/"))
                .isNotEmpty()
                .allMatch(line -> line.endsWith(" null"));
    }

    @Test
    void whatIsThereIsNotFetchedAgainAndServesOffline() {
        Path first = locate(ID, false).folder();
        hub.requests.clear();
        assertThat(locate(ID, false).folder()).isEqualTo(first);
        assertThat(hub.requests).singleElement().asString().startsWith("/api/models/");
        hub.requests.clear();
        assertThat(locate(ID, true).folder()).isEqualTo(first);
        assertThat(locate(ID + "@" + HubDouble.COMMIT, true).folder()).isEqualTo(first);
        assertThat(hub.requests).isEmpty();
        assertThatThrownBy(() -> locate(ID + "@other", true))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageContaining("HF_HUB_OFFLINE is set and revision other is not in");
    }

    @Test
    void anUnreachableHubDoesNotKeepFromWhatIsThere() {
        Path first = locate(ID, false).folder();
        hub.close();
        assertThat(locate(ID, false).folder()).isEqualTo(first);
        assertThatThrownBy(() -> locate("owner/other", false)).hasMessageContaining("cannot be reached");
    }

    @Test
    void continuesWhatBroke() throws IOException {
        hub.breaks.put("pytorch_model.bin", 100_000);
        Path found = locate(ID, false).folder();
        assertThat(Files.readAllBytes(found.resolve("pytorch_model.bin"))).isEqualTo(weights);
        assertThat(hub.requests).anyMatch(line -> line.matches("/store/pytorch_model.bin bytes=[1-9]\\d*- null"));
    }

    @Test
    void continuesWhatStalls() throws IOException {
        hub.stalls.put("pytorch_model.bin", 100_000);
        readTimeout = Duration.ofMillis(300);
        Path found = locate(ID, false).folder();
        assertThat(Files.readAllBytes(found.resolve("pytorch_model.bin"))).isEqualTo(weights);
        assertThat(hub.requests).anyMatch(line -> line.matches("/store/pytorch_model.bin bytes=[1-9]\\d*- null"));
    }

    @Test
    void waitsLongerBetweenAttemptsThatBringNothing() {
        hub.failures.put("pytorch_model.bin", 3);
        locate(ID, false);
        assertThat(waits).containsExactly(Duration.ofSeconds(2), Duration.ofSeconds(4), Duration.ofSeconds(8));
    }

    @Test
    void aRevisionIsAskedForByFlagOrName() {
        revision = "v1.0";
        assertThat(locate(ID, false).folder()).isDirectory();
        assertThat(hub.requests).anyMatch(line -> line.startsWith("/api/models/owner/tiny-opt/revision/v1.0"));
        assertThatThrownBy(() -> locate(ID + "@v2", false))
                .hasMessageContaining("--revision v1.0 contradicts v2 in its name");
        revision = "../x";
        assertThatThrownBy(() -> locate(ID, false))
                .hasMessageContaining("--revision: expected a branch, tag or commit, found ../x");
    }

    @Test
    void fetchesTheFormatThatIsAskedFor() {
        hub.files.put("model.safetensors", new byte[100]);
        format = LoadFormat.PT;
        assertThat(locate(ID, false).folder())
                .isDirectoryContaining("glob:**.bin")
                .isDirectoryNotContaining("glob:**.safetensors");
        format = LoadFormat.GGUF;
        assertThatThrownBy(() -> locate(ID, false))
                .hasMessageContaining("--load-format gguf: expected such weights on the Hub, found none");
        format = LoadFormat.DUMMY;
        hub.requests.clear();
        assertThat(locate(ID, false).folder()).isDirectoryContaining("glob:**config.json");
        assertThat(hub.requests).noneMatch(line -> line.startsWith("/store/"));
    }

    /** A repository of GGUF files has the same model in many quantizations, and no config.json. */
    @Test
    void oneOfSeveralGgufFilesIsChosenByItsQuantization() throws IOException {
        hub.files.clear();
        hub.files.put("tiny-Q4_K_M.gguf", weights);
        hub.files.put("tiny-Q4_K.gguf", new byte[10]);
        hub.files.put("tiny-Q8_0-00001-of-00002.gguf", new byte[11]);
        hub.files.put("tiny-Q8_0-00002-of-00002.gguf", new byte[12]);
        hub.files.put("mmproj-tiny.gguf", new byte[13]);
        assertThatThrownBy(() -> locate(ID, false))
                .hasMessageContaining("expected one GGUF model, found [tiny-Q4_K, tiny-Q4_K_M, tiny-Q8_0]");
        Path found = locate(ID + ":q4_k_m", false).folder();
        assertThat(found).hasFileName("tiny-Q4_K_M.gguf").hasBinaryContent(weights);
        found = locate(ID + ":Q8_0", false).folder();
        assertThat(found).hasFileName("tiny-Q8_0-00001-of-00002.gguf");
        assertThat(found.resolveSibling("tiny-Q8_0-00002-of-00002.gguf")).isRegularFile();
        assertThat(found.resolveSibling("mmproj-tiny.gguf")).doesNotExist();
        assertThat(locate(ID + ":Q8_0", true).folder()).isEqualTo(found);
        assertThatThrownBy(() -> locate(ID + ":Q2_K", false)).hasMessageContaining("named after Q2_K");
    }

    @Test
    void startsAgainWhereTheServerDoesNotContinue() throws IOException {
        hub.continues = false;
        hub.breaks.put("pytorch_model.bin", 100_000);
        assertThat(Files.readAllBytes(locate(ID, false).folder().resolve("pytorch_model.bin")))
                .isEqualTo(weights);
    }

    @Test
    void throwsAwayWhatHasAnotherHash() throws IOException {
        hub.wrongHash = true;
        assertThatThrownBy(() -> locate(ID, false))
                .hasMessageContaining("pytorch_model.bin: expected the hash " + HubDouble.sha256(weights) + ", found ");
        hub.wrongHash = false;
        assertThat(Files.readAllBytes(locate(ID, false).folder().resolve("pytorch_model.bin")))
                .isEqualTo(weights);
    }

    @ParameterizedTest
    @CsvSource({
        "401, the token in HF_TOKEN is not valid there",
        "403, accept the model's terms on its page",
        "404, 'there is no such model, revision or file'"
    })
    void aNoNamesItsCure(int status, String cure) {
        hub.status = status;
        assertThatThrownBy(() -> locate(ID, false))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageContaining("answered " + status)
                .hasMessageContaining(cure);
    }

    @Test
    void safetensorsGoBeforePickles() {
        hub.files.put("model.safetensors", new byte[100]);
        Path found = locate(ID, false).folder();
        assertThat(found).isDirectoryContaining("glob:**model.safetensors").isDirectoryNotContaining("glob:**.bin");
    }

    @Test
    void aFolderGoesBeforeTheHub() throws IOException {
        Path local = Files.createDirectories(folder.resolve("models/owner/tiny-opt"));
        assertThat(locate(ID, false)).isEqualTo(new LocatedModel("tiny-opt", local));
        assertThat(hub.requests).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"no-such-name", "a/b/c", "owner/..", "../x/y", "owner/na--me"})
    void whatIsNoIdIsNotAskedFor(String model) {
        assertThatThrownBy(() -> locate(model, false)).isInstanceOf(EngineException.ModelLoad.class);
        assertThat(hub.requests).isEmpty();
    }

    @Test
    void readsTheVariablesOfHuggingFace() {
        Path home = Path.of("/people/x");
        HubSettings none = HubSettings.of(Map.of(), home);
        assertThat(none.endpoint()).isEqualTo(URI.create("https://huggingface.co"));
        assertThat(none.cache()).isEqualTo(Path.of("/people/x/.cache/huggingface/hub"));
        assertThat(none.offline()).isFalse();
        HubSettings all = HubSettings.of(
                Map.of(
                        "HF_HOME",
                        "/big/hf",
                        "HF_ENDPOINT",
                        "https://mirror/",
                        "HF_TOKEN",
                        " t ",
                        "HF_HUB_OFFLINE",
                        "1"),
                home);
        assertThat(all.endpoint()).isEqualTo(URI.create("https://mirror"));
        assertThat(all.cache()).isEqualTo(Path.of("/big/hf/hub"));
        assertThat(all.token()).contains("t");
        assertThat(all.offline()).isTrue();
        assertThat(all.toString()).as("never in a log").doesNotContain("token=Optional[t]");
    }

    @ParameterizedTest
    @CsvSource({"huggingface.co", "file:///etc", "https://", "http://a b"})
    void refusesAnEndpointThatIsNone(String endpoint) {
        assertThatThrownBy(() -> HubSettings.of(Map.of("HF_ENDPOINT", endpoint), folder))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageContaining("expected an http or https address, found");
    }

    private LocatedModel locate(String model, boolean offline) {
        HubSettings settings = new HubSettings(
                hub.endpoint(),
                Optional.of("secret"),
                folder.resolve("hub"),
                offline,
                Duration.ofSeconds(10),
                readTimeout,
                Duration.ofSeconds(1));
        return new ModelHub(folder.resolve("models"), settings, waits::add).locate(model, revision, format);
    }
}

package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.ModelInfo;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import dev.spandrel.server.openai.Fingerprint.Mode;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What {@code system_fingerprint} tells; vLLM's test_fingerprint. */
class FingerprintTest {
    private static final EngineConfig CONFIG = EngineConfig.of("m").build();

    private static ModelInfo model(String name, String folder) {
        return new ModelInfo(name, Path.of(folder), "OPTForCausalLM", 10, 20, 30, "cpu", false, SamplingParams.DEFAULT);
    }

    private static Optional<String> of(Mode mode, String value) {
        return new Fingerprint(mode, Optional.ofNullable(value)).of(model("m", "a/m"), CONFIG, "1.2.3");
    }

    @Test
    void fourModesHaveFourShapes() {
        assertThat(of(Mode.FULL, null).orElseThrow()).matches("spandrel-1\\.2\\.3-[0-9a-f]{8}");
        assertThat(of(Mode.HASH, null)).as("nothing here is parallel").isEqualTo(of(Mode.FULL, null));
        assertThat(of(Mode.CUSTOM, "deploy-42")).contains("deploy-42");
        assertThat(of(Mode.NONE, null)).isEmpty();
    }

    @Test
    void whatChangesTheAnswersChangesTheHash() {
        String plain = Fingerprint.DEFAULT.of(model("m", "a/m"), CONFIG, "1").orElseThrow();
        assertThat(Fingerprint.DEFAULT.of(model("m", "b/m"), CONFIG, "1"))
                .as("where the model lies says nothing of it")
                .contains(plain);
        assertThat(Fingerprint.DEFAULT.of(model("m", "a/7f3"), CONFIG, "1"))
                .as("another state of a model on the Hub")
                .isNotEqualTo(Optional.of(plain));
        assertThat(Fingerprint.DEFAULT.of(model("n", "a/m"), CONFIG, "1")).isNotEqualTo(Optional.of(plain));
        EngineConfig.Builder narrow = EngineConfig.of("m").quantization("int8");
        Optional<String> exact = Fingerprint.DEFAULT.of(model("m", "a/m"), narrow.build(), "1");
        assertThat(exact).isNotEqualTo(Optional.of(plain));
        EngineConfig rounded = narrow.activationDType("int8").build();
        assertThat(Fingerprint.DEFAULT.of(model("m", "a/m"), rounded, "1")).isNotEqualTo(exact);
    }

    @Test
    void aValueAndItsModeNeedEachOther() {
        assertThatThrownBy(() -> of(Mode.CUSTOM, null)).hasMessageContaining("needs --fingerprint-value");
        assertThatThrownBy(() -> of(Mode.FULL, "x")).hasMessageContaining("needs --fingerprint-mode custom");
        assertThatThrownBy(() -> of(Mode.CUSTOM, " ")).hasMessageContaining("1 to 256 characters");
        assertThatThrownBy(() -> of(Mode.CUSTOM, "x".repeat(257))).hasMessageContaining("found 257");
    }

    @Test
    void everyPlainAnswerBearsTheOperatorsWords() {
        try (TestServer server =
                TestServer.start(new ScriptedEngine(), new Fingerprint(Mode.CUSTOM, Optional.of("deploy-42")))) {
            String chat = "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"max_tokens\":1";
            assertThat(server.completion("{\"prompt\":\"a\"}")
                            .path("system_fingerprint")
                            .asString())
                    .isEqualTo("deploy-42");
            assertThat(server.post("/v1/chat/completions", chat + "}").body())
                    .contains("\"system_fingerprint\":\"deploy-42\"");
            assertThat(server.post("/v1/chat/completions", chat + ",\"stream\":true}")
                            .body())
                    .as("chunks bear none, as with vLLM")
                    .doesNotContain("system_fingerprint");
        }
    }

    @Test
    void withoutOneItIsNull() {
        try (TestServer server = TestServer.start(new ScriptedEngine(), new Fingerprint(Mode.NONE, Optional.empty()))) {
            JsonNode answer = server.completion("{\"prompt\":\"a\"}");
            assertThat(answer.has("system_fingerprint")).isTrue();
            assertThat(answer.path("system_fingerprint").isNull()).isTrue();
        }
    }
}

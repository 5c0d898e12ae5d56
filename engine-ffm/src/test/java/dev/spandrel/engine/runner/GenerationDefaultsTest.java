package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.model.ModelConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GenerationDefaultsTest {
    @TempDir
    Path folder;

    private GenerationDefaults read(String config, String generation) throws IOException {
        Files.writeString(folder.resolve("config.json"), config);
        if (generation != null) {
            Files.writeString(folder.resolve("generation_config.json"), generation);
        }
        return GenerationDefaults.read(ModelConfig.read(folder), "auto");
    }

    @Test
    void severalTokensMayEndASequence() throws IOException {
        GenerationDefaults defaults = read("{\"eos_token_id\": 7}", "{\"eos_token_id\": [128001, 128009]}");
        assertThat(defaults.endsSequence(128_001)).isTrue();
        assertThat(defaults.endsSequence(128_009)).isTrue();
        assertThat(defaults.endsSequence(7))
                .as("generation_config.json goes before config.json")
                .isFalse();
    }

    @Test
    void withoutAGenerationConfigTheConfigurationSaysTheEnd() throws IOException {
        GenerationDefaults defaults = read("{\"eos_token_id\": [2, 3]}", null);
        assertThat(defaults.endsSequence(3)).isTrue();
        assertThat(defaults.sampling().temperature()).isEqualTo(1);
    }

    @Test
    void samplingValuesAreTheModelsOwn() throws IOException {
        GenerationDefaults defaults = read(
                "{}", "{\"do_sample\": true, \"temperature\": 0.6, \"top_p\": 0.9, \"top_k\": 20, \"min_p\": null}");
        assertThat(defaults.sampling().temperature()).isEqualTo(0.6);
        assertThat(defaults.sampling().topP()).isEqualTo(0.9);
        assertThat(defaults.sampling().topK()).isEqualTo(20);
    }

    @Test
    void theModelMaySayHowMuchAnAnswerIs() throws IOException {
        assertThat(read("{}", "{\"max_new_tokens\": 5}").sampling().maxTokens()).hasValue(5);
        assertThat(read("{}", "{\"max_new_tokens\": null}").sampling().maxTokens())
                .isEmpty();
        assertThatThrownBy(() -> read("{}", "{\"max_new_tokens\": 0}"))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageContaining("max_new_tokens: expected a whole number from 1 to 2147483647, found 0");
    }

    @Test
    void anotherFoldersWordGoesBeforeTheModels(@TempDir Path other) throws IOException {
        read("{\"eos_token_id\": 2}", "{\"temperature\": 0.6, \"max_new_tokens\": 5, \"eos_token_id\": 3}");
        Files.writeString(other.resolve("generation_config.json"), "{\"temperature\": 0.25, \"eos_token_id\": 4}");
        GenerationDefaults defaults = GenerationDefaults.read(ModelConfig.read(folder), other.toString());
        assertThat(defaults.sampling().temperature()).isEqualTo(0.25);
        assertThat(defaults.sampling().maxTokens())
                .as("the model's own is not read")
                .isEmpty();
        assertThat(defaults.eosTokenIds()).containsExactly(4);
    }

    @Test
    void withoutAnyGenerationConfigTheEnginesDefaultsCount() throws IOException {
        read("{\"eos_token_id\": 2}", "{\"temperature\": 0.6, \"top_k\": 5, \"eos_token_id\": 3}");
        GenerationDefaults defaults = GenerationDefaults.read(ModelConfig.read(folder), "vllm");
        assertThat(defaults.sampling()).isEqualTo(SamplingParams.DEFAULT);
        assertThat(defaults.eosTokenIds()).containsExactly(2);
        read("{}", "{\"eos_token_id\": 3}");
        assertThat(GenerationDefaults.read(ModelConfig.read(folder), "vllm").eosTokenIds())
                .as("texts must end")
                .containsExactly(3);
    }

    @Test
    void whatIsWrongInAnotherFolderIsToldWithIt(@TempDir Path other) throws IOException {
        read("{}", null);
        assertThatThrownBy(() -> GenerationDefaults.read(ModelConfig.read(folder), other.toString()))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageContaining(other + ": no generation_config.json");
        Files.writeString(other.resolve("generation_config.json"), "{\"top_p\": 7}");
        assertThatThrownBy(() -> GenerationDefaults.read(ModelConfig.read(folder), other.toString()))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageContaining(other + ": generation_config.json: top_p");
    }

    @Test
    void aValueThatIsNoneIsToldWithItsFile() {
        assertThatThrownBy(() -> read("{}", "{\"temperature\": \"hot\"}"))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageContaining("generation_config.json: temperature: expected a number, found \"hot\"");
        assertThatThrownBy(() -> read("{}", "{\"top_p\": 7}"))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageContaining("generation_config.json: ")
                .hasMessageContaining("7");
    }

    /** A GGUF file names one end, and its vocabulary the tokens that end a turn. */
    @Test
    void aGgufFileSaysItToo() {
        Path file = Path.of("src/test/resources/gguf/families/llama/model.gguf");
        assertThat(GenerationDefaults.read(ModelConfig.read(file), "auto").endsSequence(2))
                .isTrue();
        assertThat(GenerationDefaults.read(ModelConfig.read(file), "vllm").endsSequence(2))
                .isTrue();
    }
}

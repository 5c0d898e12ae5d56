package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.SamplingParams;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What {@code --model} and {@code --load-format} may name, through the whole engine. */
@Timeout(60)
class ModelSourcesTest {
    private static final Path FAMILIES = Path.of("src/test/resources/families");
    private static final Path GGUF = Path.of("src/test/resources/gguf/families");

    @TempDir
    Path folder;

    private EngineConfig.Builder config(Path model) {
        return EngineConfig.of(model.toString())
                .models(folder.resolve("none"))
                .threads(1)
                .maxNumSeqs(2)
                .kvCacheBytes(8 << 20);
    }

    private static int tokens(EngineConfig config) throws InterruptedException {
        SamplingParams sampling =
                SamplingParams.DEFAULT.withTemperature(0).withMaxTokens(5).withIgnoreEos(true);
        try (Engine engine = Engine.open(config);
                Generation generation = engine.submit(new GenerationRequest(
                        "test", new Prompt.Tokens(List.of(5, 9, 40)), sampling, System.nanoTime()))) {
            while (!(generation.next() instanceof GenerationEvent.Finished)) {
                // To the end.
            }
            return generation.completionTokens();
        }
    }

    @Test
    void aGgufFileIsAModel() throws Exception {
        Path file = GGUF.resolve("llama-q8_0/model.gguf");
        assertThat(tokens(config(file).build())).isEqualTo(5);
        try (Engine engine = Engine.open(config(file).build())) {
            assertThat(engine.model().name()).isEqualTo("model");
            assertThat(engine.model().architecture()).isEqualTo("LlamaForCausalLM");
        }
    }

    @Test
    void aFolderWithOneGgufFileIsTooAndOneWithTwoAsksWhich() throws Exception {
        Files.copy(GGUF.resolve("qwen3/model.gguf"), folder.resolve("tiny-F32.gguf"));
        assertThat(tokens(config(folder).build())).isEqualTo(5);
        Files.copy(GGUF.resolve("qwen2/model.gguf"), folder.resolve("other-F32.gguf"));
        assertThatThrownBy(() -> tokens(config(folder).build()))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageContaining("expected one .gguf file, found 2: other-F32.gguf, tiny-F32.gguf");
    }

    @Test
    void dummyNeedsNothingButTheConfiguration() throws Exception {
        Files.copy(FAMILIES.resolve("llama31/config.json"), folder.resolve("config.json"));
        assertThat(tokens(config(folder).loadFormat("dummy").build())).isEqualTo(5);
        try (Engine engine = Engine.open(config(folder).loadFormat("dummy").build())) {
            // A token for each byte, within the 96 ids of the model.
            assertThat(engine.tokenize(new Prompt.Text("é"))).containsExactly(0xc3 % 96, 0xa9 % 96);
        }
        assertThatThrownBy(() -> tokens(config(folder).build())).hasMessageContaining("no tokenizer");
    }

    @Test
    void aTokenizerMayComeFromElsewhere() throws Exception {
        Path kind = Path.of("src/test/resources/gguf/tokenizers/llama2/tokenizer.gguf");
        // 706 tokens do not fit a model that scores 96.
        assertThatThrownBy(() -> tokens(config(GGUF.resolve("llama/model.gguf"))
                        .tokenizer(kind.toString())
                        .build()))
                .hasMessageContaining("the model scores only 96");
        Files.writeString(
                folder.resolve("config.json"),
                Files.readString(FAMILIES.resolve("llama31/config.json"))
                        .replace("\"vocab_size\": 96", "\"vocab_size\": 800"));
        EngineConfig dummy =
                config(folder).loadFormat("dummy").tokenizer(kind.toString()).build();
        try (Engine engine = Engine.open(dummy)) {
            assertThat(engine.tokenize(new Prompt.Text("<|eot|>"))).hasSize(2).startsWith(1);
            assertThat(engine.model().chatTemplate()).isTrue();
        }
    }

    @Test
    void aFormatThatIsNotThereIsNotReplacedByAnother() throws IOException {
        Path tiny = Path.of("../models/spandrel-tiny");
        assertThatThrownBy(() -> tokens(config(tiny).loadFormat("pt").build()))
                .hasMessageContaining("looked for pytorch_model.bin, whole or in shards with an index")
                .hasMessageContaining("--load-format is pt");
        assertThatThrownBy(() -> tokens(config(tiny).loadFormat("gguf").build()))
                .hasMessageContaining("expected one .gguf file, found none");
        assertThatThrownBy(() -> config(tiny).loadFormat("zip").build())
                .hasMessage("--load-format: expected one of auto, safetensors, pt, gguf, dummy, found zip");
    }
}

package dev.spandrel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.ReferenceBackend;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.checkpoint.Checkpoint;
import dev.spandrel.engine.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelLoaderTest {
    private static final Path LLAMA = FamiliesTest.FAMILIES.resolve("llama31");

    @TempDir
    Path folder;

    @Test
    void refusesAnotherArchitectureWithTheListOfItsOwn() throws IOException {
        config("\"LlamaForCausalLM\"", "\"MambaForCausalLM\"");
        assertThatThrownBy(() -> ModelLoader.maxPositions(ModelConfig.read(folder)))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageContaining("found MambaForCausalLM")
                .hasMessageContaining("Gemma3ForCausalLM")
                .hasMessageContaining("Qwen3ForCausalLM");
    }

    @Test
    void namesARopeTypeItDoesNotKnow() throws IOException {
        config("\"llama3\"", "\"spiral\"");
        assertThatThrownBy(() -> ModelLoader.maxPositions(ModelConfig.read(folder)))
                .hasMessageContaining("config.json: rope_scaling: rope_type: expected one of [default, dynamic,")
                .hasMessageContaining("found spiral");
    }

    @Test
    void tellsEveryMismatchOfTheWeights() throws IOException {
        config("\"intermediate_size\": 44", "\"intermediate_size\": 45");
        Files.copy(LLAMA.resolve("model.safetensors"), folder.resolve("model.safetensors"));
        try (ReferenceBackend backend = new ReferenceBackend()) {
            assertThatThrownBy(() -> ModelLoader.load(ModelConfig.read(folder), backend, new StepLimits(1, 1, 16)))
                    .isInstanceOfSatisfying(
                            EngineException.ModelLoad.class,
                            e -> assertThat(e.problems()).hasSize(9))
                    .hasMessageContaining(
                            "tensor model.layers.2.mlp.up_proj.weight: expected shape [45, 32], found [44, 32]");
        }
    }

    /** Gemma 3 with its vision tower keeps the text side's configuration in an object of its own. */
    @Test
    void readsANestedTextConfiguration() throws IOException {
        Path gemma = FamiliesTest.FAMILIES.resolve("gemma3");
        Files.writeString(
                folder.resolve("config.json"),
                "{\"architectures\":[\"Gemma3ForConditionalGeneration\"],\"text_config\":"
                        + Files.readString(gemma.resolve("config.json")) + "}");
        Files.copy(gemma.resolve("model.safetensors"), folder.resolve("model.safetensors"));
        int[] ids = {5, 9, 40, 7, 3, 60, 61, 62, 63, 64, 65, 66};
        try (ReferenceBackend backend = new ReferenceBackend()) {
            float[][] nested = ModelRun.load(backend, ModelConfig.read(folder), 12, KvDType.F32)
                    .logits(ids, 0, 12);
            float[][] plain = ModelRun.load(backend, ModelConfig.read(gemma), 12, KvDType.F32)
                    .logits(ids, 0, 12);
            assertThat(nested).isDeepEqualTo(plain);
        }
    }

    @Test
    void refusesWhatDoesNotFitMemory() {
        try (Checkpoint checkpoint = Checkpoint.open(LLAMA)) {
            WeightCatalog weights = new WeightCatalog("tiny", checkpoint);
            weights.expect("model.norm.weight", 32);
            BiFunction<DType, List<Long>, Long> bytes = WeightPolicy.AS_STORED::bytes;
            weights.checkMemory(bytes, 128);
            assertThatThrownBy(() -> weights.checkMemory(bytes, 127))
                    .hasMessage("cannot load tiny: its 32 weights need 128 bytes, found 127 available; --quantization"
                            + " int8 or int4 needs less");
        }
    }

    private void config(String from, String to) throws IOException {
        String config = Files.readString(LLAMA.resolve("config.json"));
        assertThat(config).contains(from);
        Files.writeString(folder.resolve("config.json"), config.replace(from, to));
    }
}

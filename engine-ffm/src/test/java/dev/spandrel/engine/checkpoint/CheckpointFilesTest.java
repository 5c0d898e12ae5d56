package dev.spandrel.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.spandrel.engine.EngineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointFilesTest {
    private static final String FIRST = "model-00001-of-00002.safetensors";
    private static final String SECOND = "model-00002-of-00002.safetensors";

    @TempDir
    Path folder;

    @Test
    void joinsShards() throws IOException {
        shard(FIRST, "a", "shared");
        shard(SECOND, "b", "shared", "extra");
        index("\"a\":\"" + FIRST + "\",\"b\":\"" + SECOND + "\",\"shared\":\"" + SECOND + "\"");

        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.tensors().keySet()).containsExactly("a", "b", "extra", "shared");
            assertThat(checkpoint.tensors().get("shared").file()).isEqualTo(SECOND);
        }
    }

    @Test
    void reportsTheProblemsOfAllShardsAtOnce() throws IOException {
        shard(FIRST, "a", "both");
        shard(SECOND, "both");
        index("\"a\":\"" + FIRST + "\",\"b\":\"" + FIRST + "\",\"c\":\"" + SECOND + "\",\"d\":\"gone.safetensors\"");

        List<String> problems = problems(folder);
        assertThat(problems)
                .anyMatch(problem -> problem.startsWith("gone.safetensors: cannot be opened"))
                .anyMatch(problem -> problem.equals(SECOND + ": tensor both is also in " + FIRST))
                .anyMatch(problem -> problem.contains("tensor b is in " + FIRST));
    }

    @Test
    void refusesAnIndexThatReachesOutsideItsFolder() throws IOException {
        index("\"a\":\"../secret.safetensors\",\"b\":7");
        assertThat(problems(folder))
                .hasSize(2)
                .anyMatch(problem -> problem.contains("found ../secret.safetensors"))
                .anyMatch(problem -> problem.contains("VALUE_NUMBER_INT"));
    }

    @Test
    void refusesAnIndexWithoutTensors() throws IOException {
        index("");
        assertThat(problems(folder)).singleElement().asString().contains("expected a weight_map");
        Files.writeString(folder.resolve("model.safetensors.index.json"), "no json");
        assertThat(problems(folder)).singleElement().asString().contains("expected JSON");
    }

    @Test
    void saysWhatItLookedForAndFound() throws IOException {
        assertThat(problems(folder))
                .containsExactly("no weights: looked for model.safetensors and pytorch_model.bin, whole or in shards "
                        + "with an index, found no weight file of any kind");
        Files.writeString(folder.resolve("flax_model.msgpack"), "x");
        Files.writeString(folder.resolve("config.json"), "{}");
        assertThat(problems(folder))
                .singleElement()
                .asString()
                .endsWith("; found flax_model.msgpack, which this version does not read");
        assertThat(problems(folder.resolve("flax_model.msgpack")))
                .singleElement()
                .asString()
                .contains("found flax_model.msgpack, which this version does not read");
        assertThatThrownBy(() -> Checkpoint.open(folder.resolve("absent")))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageContaining("no such file or folder");
    }

    private void shard(String file, String... tensors) throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter();
        for (String tensor : tensors) {
            writer.tensor(tensor, "F32", List.of(1), 4);
        }
        writer.write(folder.resolve(file));
    }

    private void index(String members) throws IOException {
        Files.writeString(
                folder.resolve("model.safetensors.index.json"),
                "{\"metadata\":{\"total_size\":16},\"weight_map\":{" + members + "}}");
    }

    private List<String> problems(Path path) {
        return catchThrowableOfType(EngineException.ModelLoad.class, () -> Checkpoint.open(path))
                .problems();
    }
}

package dev.spandrel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.ReferenceBackend;
import dev.spandrel.engine.checkpoint.LoadFormat;
import dev.spandrel.engine.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** {@code --load-format dummy}: a configuration alone makes a model of any family. */
class DummyCheckpointTest {
    @TempDir
    Path scratch;

    @TestFactory
    Stream<DynamicTest> everyFamilyRuns() throws IOException {
        try (Stream<Path> folders = Files.list(FamiliesTest.FAMILIES)) {
            return folders.sorted().toList().stream()
                    .map(each -> DynamicTest.dynamicTest(each.getFileName().toString(), () -> {
                        Path folder = Files.createDirectories(scratch.resolve(each.getFileName()));
                        Files.copy(each.resolve("config.json"), folder.resolve("config.json"));
                        float[][] first = logits(folder);
                        assertThat(first).isDeepEqualTo(logits(folder));
                        float lowest = Float.POSITIVE_INFINITY;
                        float highest = Float.NEGATIVE_INFINITY;
                        for (float logit : first[5]) {
                            assertThat(logit).isFinite();
                            lowest = Math.min(lowest, logit);
                            highest = Math.max(highest, logit);
                        }
                        assertThat(highest).isGreaterThan(lowest);
                    }));
        }
    }

    private static float[][] logits(Path folder) {
        try (ReferenceBackend backend = new ReferenceBackend()) {
            ModelConfig config = ModelConfig.read(folder);
            Model model = ModelLoader.load(config, LoadFormat.DUMMY, backend, new StepLimits(8, 8, 16), () -> {});
            KvCache cache = KvCache.allocate(backend, model, 1, 16, KvDType.F32);
            return new ModelRun(backend, model, cache, 6).logits(new int[] {3, 4, 5, 6, 7, 8}, 0, 6);
        }
    }

    @Test
    void typeIsThatOfTheConfiguration() throws IOException {
        Files.writeString(scratch.resolve("config.json"), "{\"torch_dtype\": \"bfloat16\"}");
        try (DummyCheckpoint dummy = new DummyCheckpoint(ModelConfig.read(scratch))) {
            assertThat(dummy.find("a", List.of(3L, 5L)).dtype()).isEqualTo(DType.BF16);
            assertThat(dummy.tensor("a").data().byteSize()).isEqualTo(30);
            assertThat(dummy.tensor("b")).isNull();
        }
    }
}

package dev.spandrel.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.tensor.DType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GgufHeaderTest {
    @TempDir
    Path folder;

    private static GgufWriter writer(int version) {
        return new GgufWriter(version)
                .text("general.architecture", "llama")
                .u32("llama.block_count", 2)
                .f32("eps", 0.5f)
                .texts("tokens", "a", "bc", "")
                .i32s("types", 1, -2)
                .tensor("q", 8, 68, 32, 2)
                .tensor("n", 0, 12, 3)
                .tensor("odd", 16, 0, 256);
    }

    private static void refused(byte[] file, String message) {
        assertThatThrownBy(() -> GgufHeader.read(MemorySegment.ofArray(file)))
                .isInstanceOf(FormatException.class)
                .hasMessageContaining(message);
    }

    private static byte[] patched(byte[] file, int at, int... values) {
        for (int i = 0; i < values.length; i++) {
            file[at + i] = (byte) values[i];
        }
        return file;
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void readsBothVersions(int version) throws IOException {
        Path file = folder.resolve("m.gguf");
        Files.write(file, writer(version).bytes());
        GgufMetadata metadata = GgufMetadata.read(file);
        assertThat(metadata.text("general.architecture")).contains("llama");
        assertThat(metadata.integer("llama.block_count")).contains(2L);
        assertThat(metadata.number("eps")).contains(0.5);
        assertThat(metadata.list("tokens")).isEqualTo(List.of("a", "bc", ""));
        assertThat(metadata.list("types")).isEqualTo(List.of(1L, -2L));
        assertThat(metadata.shape("q")).isEqualTo(List.of(2L, 32L));
        assertThatThrownBy(() -> metadata.integer("eps"))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageContaining("eps: expected a whole number, found 0.5");
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            assertThat(checkpoint.tensors().keySet()).containsExactly("n", "q");
            assertThat(checkpoint.tensor("q").dtype()).isEqualTo(DType.Q8_0);
            assertThat(checkpoint.tensor("q").data().byteSize()).isEqualTo(68);
            assertThat(checkpoint.unsupported()).containsEntry("odd", "IQ2_XXS");
        }
    }

    @Test
    void saysWhatIsWrongAndWhere() {
        refused(new byte[] {1, 2, 3, 4, 5, 6, 7, 8}, "offset 0: expected GGUF, found 0x4030201");
        refused(writer(1).bytes(), "offset 4: expected version 2 or 3, found 1");
        refused(patched(writer(3).bytes(), 4, 0, 0, 0, 3), "found a big-endian file");
        refused(patched(writer(3).bytes(), 8, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0), "found 4294967295");
        refused(java.util.Arrays.copyOf(writer(3).bytes(), 200), "expected");
        refused(new GgufWriter(3).u32("a", 1).u32("a", 2).bytes(), "key a: found twice");
        refused(new GgufWriter(3).tensor("t", 0, 4, 1).tensor("t", 0, 4, 1).bytes(), "tensor t: found twice");
        refused(
                new GgufWriter(3).tensor("t", 8, 34, 16).bytes(),
                "expected rows of whole blocks of 32, found Q8_0 [16]");
        refused(new GgufWriter(3).tensor("t", 0, 4, 9).bytes(), "expected 36 bytes from byte 0 of the data, found 32");
        refused(
                new GgufWriter(3).tensor("t", 0, 4, 1L << 40, 1L << 40).bytes(),
                "expected a size a file can have, found F32 [1099511627776, 1099511627776]");
        refused(new GgufWriter(3).tensor("t", 0, 4, 1, 1, 1, 1, 1).bytes(), "at most 4 dimensions, found 5");
        refused(
                new GgufWriter(3).u32("general.alignment", 24).bytes(),
                "general.alignment: expected a power of two up to 1048576, found 24");
    }

    /** A split model is opened by its first part; every part is needed. */
    @Test
    void readsAModelInParts() throws IOException {
        Path first = folder.resolve("m-00001-of-00002.gguf");
        Files.write(
                first,
                new GgufWriter(3)
                        .text("general.architecture", "llama")
                        .tensor("a", 0, 4, 1)
                        .bytes());
        assertThatThrownBy(() -> Checkpoint.open(first)).hasMessageContaining("m-00002-of-00002.gguf");
        Files.write(
                folder.resolve("m-00002-of-00002.gguf"),
                new GgufWriter(3).tensor("b", 0, 4, 1).bytes());
        try (Checkpoint checkpoint = Checkpoint.open(first)) {
            assertThat(checkpoint.tensors().keySet()).containsExactly("a", "b");
        }
        assertThat(GgufFiles.resolve(folder, LoadFormat.AUTO)).isEqualTo(first);
        assertThatThrownBy(() -> Checkpoint.open(folder.resolve("m-00002-of-00002.gguf")))
                .hasMessageContaining("expected the first part of a split model, found part 00002 of 00002");
    }
}

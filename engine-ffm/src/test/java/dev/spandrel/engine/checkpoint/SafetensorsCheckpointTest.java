package dev.spandrel.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsCheckpointTest {
    @TempDir
    Path folder;

    @Test
    void handsOutMappedSlicesOfEveryType() throws IOException {
        model().tensor("a", "F32", List.of(2, 3), 24)
                .tensor("b", "F16", List.of(3), 6)
                .tensor("c", "BF16", List.of(), 2)
                .tensor("none", "F32", List.of(0, 4), 0)
                .write(single());

        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.path()).isEqualTo(folder);
            assertThat(checkpoint.tensors().keySet()).containsExactly("a", "b", "c", "none");
            TensorInfo b = checkpoint.tensors().get("b");
            assertThat(b.dtype()).isEqualTo(DType.F16);
            assertThat(b.shape()).containsExactly(3L);
            assertThat(b.file()).isEqualTo("model.safetensors");
            assertThat(b.byteSize()).isEqualTo(6);
            byte[] file = Files.readAllBytes(single());
            Tensor tensor = checkpoint.tensor("b");
            assertThat(tensor.data().toArray(ValueLayout.JAVA_BYTE))
                    .isEqualTo(Arrays.copyOfRange(file, (int) b.offset(), (int) b.offset() + 6))
                    .containsExactly(24, 25, 26, 27, 28, 29);
            assertThat(checkpoint.tensor("c").elements()).isEqualTo(1);
            assertThat(checkpoint.tensor("none").elements()).isZero();
            assertThat(checkpoint.tensor("absent")).isNull();
        }
    }

    @Test
    void opensTheBundledModel() {
        try (Checkpoint checkpoint = Checkpoint.open(Path.of("../models/spandrel-tiny"))) {
            Tensor embeddings = checkpoint.tensor("model.decoder.embed_tokens.weight");
            assertThat(embeddings.dtype()).isEqualTo(DType.F16);
            assertThat(embeddings.shape()).containsExactly(2048L, 192L);
        }
    }

    @Test
    void opensASingleFileAndReadsFloatsInFileOrder() throws IOException {
        byte[] floats = ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putFloat(1.5f)
                .putFloat(-2f)
                .array();
        Path file = folder.resolve("other.safetensors");
        model().member("x", "F32", List.of(2), 0, 8).data(floats).write(file);

        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            ValueLayout.OfFloat layout = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
            assertThat(checkpoint.tensor("x").data().toArray(layout)).containsExactly(1.5f, -2f);
        }
    }

    @Test
    void closesOnceAndInvalidatesWhatItHandedOut() throws IOException {
        model().tensor("a", "F32", List.of(1), 4).write(single());
        Checkpoint checkpoint = Checkpoint.open(folder);
        Tensor tensor = checkpoint.tensor("a");

        checkpoint.close();
        checkpoint.close();

        assertThatThrownBy(() -> tensor.data().get(ValueLayout.JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void keepsTypesItDoesNotReadApart() throws IOException {
        model().tensor("ids", "I64", List.of(2), 16)
                .tensor("w", "F32", List.of(1), 4)
                .write(single());

        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.tensors().keySet()).containsExactly("w");
            assertThat(checkpoint.unsupported()).containsExactly(java.util.Map.entry("ids", "I64"));
            assertThat(checkpoint.tensor("ids")).isNull();
        }
    }

    @Test
    void reportsEveryProblemOfAFileAtOnce() throws IOException {
        model().raw("\"list\":[1,2]")
                .raw("\"noshape\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}")
                .raw("\"fraction\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}")
                .raw("\"minus\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}")
                .raw("\"huge\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}")
                .raw("\"back\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,4]}")
                .member("twice", "F32", List.of(1), 0, 4)
                .member("twice", "F32", List.of(1), 0, 4)
                .write(single());

        assertThat(problems(folder))
                .hasSize(7)
                .allMatch(problem -> problem.startsWith("model.safetensors: tensor "))
                .anyMatch(problem -> problem.contains("tensor list: expected an object"))
                .anyMatch(problem -> problem.contains("tensor noshape:") && problem.endsWith("no usable shape"))
                .anyMatch(problem -> problem.contains("tensor back:") && problem.endsWith("found [8, 4]"))
                .anyMatch(problem -> problem.contains("tensor twice: named twice"));
    }

    @Test
    void reportsSizesHolesAndOverlaps() throws IOException {
        model().member("a", "F32", List.of(2), 0, 4)
                .member("b", "F16", List.of(1), 2, 4)
                .member("c", "F16", List.of(1), 6, 8)
                .raw("\"d\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[8,8]}")
                .data(new byte[8])
                .write(single());

        assertThat(problems(folder))
                .containsExactly(
                        "model.safetensors: tensor a: F32 [2] takes 8 bytes, found 4",
                        "model.safetensors: tensor d: shape [4611686018427387904, 4] has more elements than 2^63",
                        "model.safetensors: at byte " + (dataOffset() + 4)
                                + ": expected the tensor after a at data offset 4, found b at 2 (overlap)",
                        "model.safetensors: at byte " + (dataOffset() + 4)
                                + ": expected the tensor after b at data offset 4, found c at 6 (hole)");
    }

    @Test
    void reportsAFileShorterOrLongerThanItsHeaderSays() throws IOException {
        byte[] whole = model().tensor("a", "F32", List.of(4), 16).bytes();
        Files.write(single(), Arrays.copyOf(whole, whole.length - 5));
        assertThat(problems(folder))
                .containsExactly("model.safetensors: expected 16 bytes of data from byte " + (whole.length - 16)
                        + ", found 11 (truncated?)");
        Files.write(single(), Arrays.copyOf(whole, whole.length + 3));
        assertThat(problems(folder)).singleElement().asString().endsWith("found 19 (trailing bytes)");
    }

    @Test
    void namesOffsetExpectedAndFoundForWhatIsNoSafetensorsFile() throws IOException {
        Files.write(single(), new byte[0]);
        assertThat(problems(folder)).singleElement().asString().contains("at byte 0", "found a file of 0 bytes");
        Files.write(single(), "PK\3\4 certainly not it".getBytes(StandardCharsets.ISO_8859_1));
        assertThat(problems(folder)).singleElement().asString().contains("at byte 0", "100000000", "not a safetensors");
        Files.write(single(), new byte[] {20, 0, 0, 0, 0, 0, 0, 0, '{', '}'});
        assertThat(problems(folder)).singleElement().asString().contains("a header of 20 bytes, found 2");
        Files.write(single(), new byte[] {0, 0, 0, 0, 0, 0, 0, 0});
        assertThat(problems(folder)).singleElement().asString().contains("at byte 8", "found an empty one");
        Files.write(single(), SafetensorsWriter.file("[]", new byte[0]));
        assertThat(problems(folder)).singleElement().asString().contains("at byte 8", "found byte 91");
        Files.write(single(), SafetensorsWriter.file("{\"a\":", new byte[0]));
        assertThat(problems(folder)).singleElement().asString().contains("expected a JSON header");
        Files.write(single(), SafetensorsWriter.file("{} {}", new byte[0]));
        assertThat(problems(folder)).singleElement().asString().contains("something after the end");
    }

    @Test
    void acceptsPaddingAndMetadata() throws IOException {
        Files.write(single(), SafetensorsWriter.file("{\"__metadata__\":{\"format\":\"pt\"}}   ", new byte[0]));
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.tensors()).isEmpty();
        }
    }

    private List<String> problems(Path path) {
        return catchThrowableOfType(EngineException.ModelLoad.class, () -> Checkpoint.open(path))
                .problems();
    }

    private long dataOffset() throws IOException {
        return 8
                + ByteBuffer.wrap(Files.readAllBytes(single()))
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .getLong();
    }

    private Path single() {
        return folder.resolve("model.safetensors");
    }

    private static SafetensorsWriter model() {
        return new SafetensorsWriter();
    }
}

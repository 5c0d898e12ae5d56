package dev.spandrel.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Elements;
import dev.spandrel.engine.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What torch.save wrote (bench/reference/torch_cases.py), against safetensors; and what others might write instead. */
class TorchFileTest {
    private static final Path TORCH = Path.of("src/test/resources/torch");
    private static final Path FAMILIES = Path.of("src/test/resources/families");

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({"zip, opt-125m", "legacy, opt-350m", "sharded, opt-125m"})
    void holdsTheBytesOfSafetensors(String kind, String family) {
        try (Checkpoint torch = Checkpoint.open(TORCH.resolve(kind));
                Checkpoint expected = Checkpoint.open(FAMILIES.resolve(family))) {
            assertThat(torch.tensors().keySet()).isEqualTo(expected.tensors().keySet());
            for (String name : torch.tensors().keySet()) {
                Tensor found = torch.tensor(name);
                assertThat(found.shape()).isEqualTo(expected.tensor(name).shape());
                assertThat(found.data().mismatch(expected.tensor(name).data()))
                        .as(name)
                        .isEqualTo(-1);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F16", "BF16"})
    void readsShardsInHalfPrecision(DType dtype) {
        String kind = "sharded-" + dtype.name().toLowerCase(java.util.Locale.ROOT);
        try (Checkpoint torch = Checkpoint.open(TORCH.resolve(kind));
                Checkpoint expected = Checkpoint.open(FAMILIES.resolve("opt-125m"))) {
            assertThat(torch.tensors().keySet()).isEqualTo(expected.tensors().keySet());
            for (String name : torch.tensors().keySet()) {
                assertThat(torch.tensor(name).dtype()).isEqualTo(dtype);
                float[] found = values(torch.tensor(name));
                float[] whole = values(expected.tensor(name));
                for (int i = 0; i < found.length; i++) {
                    float unit = Math.max(Math.abs(whole[i]) * (dtype == DType.F16 ? 0x1p-11f : 0x1p-8f), 0x1p-24f);
                    assertThat(found[i]).isCloseTo(whole[i], org.assertj.core.data.Offset.offset(unit));
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"narrow", "narrow-legacy"})
    void readsNarrowTypesViewsAndParameters(String kind) {
        try (Checkpoint torch = Checkpoint.open(TORCH.resolve(kind))) {
            assertThat(torch.unsupported()).containsOnlyKeys("ids").containsEntry("ids", "I64");
            assertThat(torch.tensors()).containsOnlyKeys("half", "bfloat", "parameter", "rows", "scalar");
            assertThat(torch.tensors().get("half").dtype()).isEqualTo(DType.F16);
            assertThat(values(torch.tensor("half"))).containsExactly(1.5f, -2.25f, 65504f);
            assertThat(values(torch.tensor("bfloat"))).containsExactly(1, -3);
            assertThat(values(torch.tensor("parameter"))).containsExactly(7);
            assertThat(values(torch.tensor("scalar"))).containsExactly(4);
            assertThat(torch.tensor("rows").shape()).containsExactly(2L, 8L);
            assertThat(values(torch.tensor("rows"))).startsWith(16, 17).endsWith(30, 31);
        }
    }

    @ParameterizedTest
    @CsvSource({"os, system", "builtins, eval", "torch, load", "collections, Counter", "__builtin__, getattr"})
    void refusesCodeByName(String module, String name) throws IOException {
        byte[] pickle = ("\u0002c" + module + "\n" + name + "\nX\u0004\0\0\0true\u0000R.")
                .getBytes(StandardCharsets.ISO_8859_1);
        Files.write(folder.resolve("pytorch_model.bin"), prefixed(pickle));
        assertThatThrownBy(() -> Checkpoint.open(folder))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageContaining("the pickle asks for " + module + "." + name + ", which is no part of a tensor")
                .hasMessageContaining("pytorch_model.bin: offset 2:");
    }

    @Test
    void refusesNamesByStackToo() throws IOException {
        byte[] pickle = "\u0002\u008c\u0002os\u008c\u0006system\u0093.".getBytes(StandardCharsets.ISO_8859_1);
        Files.write(folder.resolve("pytorch_model.bin"), prefixed(pickle));
        assertThatThrownBy(() -> Checkpoint.open(folder)).hasMessageContaining("the pickle asks for os.system");
    }

    @Test
    void refusesOperationsThatMakeObjects() throws IOException {
        for (char operation : "ioP\u0081\u0092".toCharArray()) {
            byte[] pickle = ("\u0002(" + operation + "os\nsystem\n.").getBytes(StandardCharsets.ISO_8859_1);
            Files.write(folder.resolve("pytorch_model.bin"), prefixed(pickle));
            assertThatThrownBy(() -> Checkpoint.open(folder))
                    .hasMessageContaining("found 0x" + Integer.toHexString(operation));
        }
    }

    @Test
    void refusesListsInThemselvesWithoutFallingIntoThem() throws IOException {
        // A list that holds itself, as argument of a rebuild.
        byte[] pickle =
                "\u0002ctorch._utils\n_rebuild_tensor_v2\n]q\u0000h\u0000aR.".getBytes(StandardCharsets.ISO_8859_1);
        Files.write(folder.resolve("pytorch_model.bin"), prefixed(pickle));
        assertThatThrownBy(() -> Checkpoint.open(folder)).hasMessageContaining("expected a tuple, found a list");
    }

    @Test
    void mutationsGiveProblemsOrReadableTensors() throws IOException {
        long seed = Long.getLong("fuzz.seed", 20_261_125L);
        byte[] zip = Files.readAllBytes(TORCH.resolve("narrow/pytorch_model.bin"));
        byte[] legacy = Files.readAllBytes(TORCH.resolve("legacy/pytorch_model.bin"));
        int sound = 0;
        for (int i = 0; i < 40_000; i++) {
            SplittableRandom random = new SplittableRandom(seed + i);
            // The first 12,000 bytes of the old format hold its pickles.
            byte[] mutated = i % 8 == 0 ? mutate(legacy, 12_000, random) : mutate(zip, zip.length, random);
            try {
                List<String> problems = new ArrayList<>();
                MemorySegment mapped = MemorySegment.ofArray(mutated);
                for (TensorEntry entry : TorchFile.read("f", mapped, problems)) {
                    assertThat(entry.offset()).isNotNegative();
                    assertThat(entry.offset() + entry.size()).isLessThanOrEqualTo(mutated.length);
                }
                sound += problems.isEmpty() ? 1 : 0;
            } catch (RuntimeException | Error e) {
                fail("fuzz.seed=" + (seed + i) + " for one round", e);
            }
        }
        assertThat(sound).as("mutations that leave a sound file, seed %d", seed).isBetween(1, 39_999);
    }

    private static byte[] mutate(byte[] file, int within, SplittableRandom random) {
        byte[] mutated = file.clone();
        for (int i = random.nextInt(3); i >= 0; i--) {
            int at = random.nextInt(within);
            switch (random.nextInt(4)) {
                case 0 -> mutated[at % mutated.length] ^= (byte) (1 << random.nextInt(8));
                case 1 -> mutated[at % mutated.length] = (byte) random.nextInt(256);
                case 2 ->
                    mutated[at % mutated.length] =
                            (byte) "(.t}]uQRbcXKJMqhrjN\u0085\u0086\u0087\u008a".charAt(random.nextInt(23));
                default -> mutated = random.nextInt(10) == 0 ? Arrays.copyOf(mutated, Math.max(1, at)) : mutated;
            }
        }
        return mutated;
    }

    /** A protocol mark before the rest, whose first byte is the version. */
    private static byte[] prefixed(byte[] pickle) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(0x80);
        out.write(pickle);
        return out.toByteArray();
    }

    private static float[] values(Tensor tensor) {
        float[] values = new float[(int) tensor.elements()];
        Elements.toFloats(tensor, 0, values.length, values, 0);
        assertThat(tensor.data().byteSize()).isEqualTo(tensor.dtype().bytes(tensor.elements()));
        assertThat(tensor.data().get(ValueLayout.JAVA_BYTE, 0)).isNotNull();
        return values;
    }
}

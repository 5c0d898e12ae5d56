package dev.spandrel.engine.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every block type of GGUF against the bits that gguf-py reads (bench/reference/gguf_blocks.py). */
class QuantizedBlocksTest {
    private static final Path BLOCKS = Path.of("src/test/resources/gguf/blocks");

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"F32", "F16", "BF16"})
    void everyStretchHasTheBitsOfTheReference(DType dtype) throws IOException {
        float[] expected = floats(BLOCKS.resolve(dtype + ".f32"));
        MemorySegment data = MemorySegment.ofArray(Files.readAllBytes(BLOCKS.resolve(dtype + ".blocks")));
        Tensor tensor = new Tensor(dtype, List.of((long) expected.length), data);

        for (int[] stretch : new int[][] {{0, expected.length}, {0, 1}, {31, 2}, {33, 300}, {255, 258}, {767, 1}}) {
            float[] found = new float[stretch[1] + 2];
            Elements.toFloats(tensor, stretch[0], stretch[1], found, 1);
            assertThat(Arrays.copyOfRange(found, 1, stretch[1] + 1))
                    .as("%s from %d", dtype, stretch[0])
                    .isEqualTo(Arrays.copyOfRange(expected, stretch[0], stretch[0] + stretch[1]));
            assertThat(found[0]).isZero();
            assertThat(found[stretch[1] + 1]).isZero();
        }
    }

    @Test
    void rowsHaveWholeBlocks() {
        assertThatThrownBy(() -> new Tensor(DType.Q8_0, List.of(2L, 16L), MemorySegment.ofArray(new byte[34])))
                .hasMessageContaining("whole blocks of 32");
        assertThat(DType.Q6_K.bytes(512)).isEqualTo(420);
        assertThatThrownBy(() -> DType.Q4_0.bytes(33)).hasMessageContaining("found 33");
    }

    private static float[] floats(Path file) throws IOException {
        return MemorySegment.ofArray(Files.readAllBytes(file))
                .toArray(ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN));
    }
}

package dev.spandrel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.ReferenceBackend;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** OPT checkpoints saved without their head name the same tensors without the leading {@code model.}. */
class OptPrefixTest {
    private static final Path OPT = FamiliesTest.FAMILIES.resolve("opt-125m");

    @TempDir
    Path folder;

    @Test
    void bothPrefixesGiveTheSameModel() throws IOException {
        String config = Files.readString(OPT.resolve("config.json"));
        Files.writeString(folder.resolve("config.json"), config.replace("OPTForCausalLM", "OPTModel"));
        Files.write(folder.resolve("model.safetensors"), renamed(Files.readAllBytes(OPT.resolve("model.safetensors"))));
        int[] ids = {2, 5, 9, 3};
        try (Backend backend = new ReferenceBackend()) {
            ModelRun expected = ModelRun.load(backend, ModelConfig.read(OPT), ids.length, KvDType.F32);
            ModelRun found = ModelRun.load(backend, ModelConfig.read(folder), ids.length, KvDType.F32);
            assertThat(found.logits(ids, 0, 4)).isDeepEqualTo(expected.logits(ids, 0, 4));
        }
    }

    /** The header with other names, padded to its old length so that no offset moves. */
    private static byte[] renamed(byte[] file) {
        ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int length = (int) bytes.getLong(0);
        String header = new String(file, 8, length, StandardCharsets.UTF_8);
        assertThat(header).contains("\"model.decoder.");
        byte[] other = header.replace("\"model.decoder.", "\"decoder.").getBytes(StandardCharsets.UTF_8);
        byte[] padded = new byte[length];
        java.util.Arrays.fill(padded, (byte) ' ');
        System.arraycopy(other, 0, padded, 0, other.length);
        System.arraycopy(padded, 0, file, 8, length);
        return file;
    }
}

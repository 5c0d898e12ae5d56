package dev.spandrel.server.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;

/** A copy of the bundled model whose weights can be spoilt byte by byte, its file as long as before unless it is cut. */
record DamagedModel(Path folder) {
    private static final Path BUNDLED = Launcher.ROOT.resolve("models").resolve("spandrel-tiny");

    static DamagedModel copyTo(Path folder) throws IOException {
        Files.createDirectories(folder);
        try (Stream<Path> files = Files.list(BUNDLED)) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        return new DamagedModel(folder);
    }

    /** Replaces text of the header by text as long, so that all offsets still hold. */
    DamagedModel replace(String found, String by) throws IOException {
        assertThat(by).hasSameSizeAs(found);
        // Latin-1 maps each byte to one character and back.
        String content = Files.readString(weights(), StandardCharsets.ISO_8859_1);
        int at = content.indexOf(found);
        assertThat(at).as(found).isPositive();
        String changed = content.substring(0, at) + by + content.substring(at + found.length());
        Files.writeString(weights(), changed, StandardCharsets.ISO_8859_1);
        return this;
    }

    /** Cuts bytes off the end. */
    DamagedModel cut(int bytes) throws IOException {
        byte[] content = Files.readAllBytes(weights());
        Files.write(weights(), Arrays.copyOf(content, content.length - bytes));
        return this;
    }

    private Path weights() {
        return folder.resolve("model.safetensors");
    }
}

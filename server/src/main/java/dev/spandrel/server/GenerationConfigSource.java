package dev.spandrel.server;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Set;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** What {@code --generation-config} names: one of vLLM's two words, or a folder, which is looked at before anything is loaded. */
final class GenerationConfigSource implements ITypeConverter<String> {
    private static final Set<String> WORDS = Set.of("auto", "vllm");
    private static final String FILE = "generation_config.json";

    @Override
    public String convert(String value) {
        if (WORDS.contains(value)) {
            return value;
        }
        Path folder = folder(value);
        if (!Files.isDirectory(folder)) {
            throw new TypeConversionException(
                    "there is no folder \"" + value + "\"; auto is the model's own, vllm none");
        }
        Path file = folder.resolve(FILE);
        if (!Files.isRegularFile(file)) {
            throw new TypeConversionException("expected a folder with " + FILE + ", \"" + value + "\" has none");
        }
        if (!Files.isReadable(file)) {
            throw new TypeConversionException("\"" + file + "\" cannot be read");
        }
        return value;
    }

    private static Path folder(String value) {
        try {
            return Path.of(value);
        } catch (InvalidPathException e) {
            throw new TypeConversionException("expected auto, vllm or a folder, found \"" + value + "\"");
        }
    }
}

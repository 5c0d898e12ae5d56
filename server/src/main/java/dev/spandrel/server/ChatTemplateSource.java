package dev.spandrel.server;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * What {@code --chat-template} names, read: a file, or, as with vLLM, where there is none of that name and the text has a brace or a
 * line break as no file name would, the template itself.
 */
final class ChatTemplateSource implements ITypeConverter<String> {
    /** In bytes; the largest known template has a tenth of it. */
    private static final long MOST = 1_000_000;

    @Override
    public String convert(String value) {
        if (value.isBlank()) {
            throw new TypeConversionException("expected a file or a template, found nothing");
        }
        Path file = file(value);
        if (file == null || !Files.exists(file)) {
            if (value.contains("{") || value.contains("}") || value.contains("\n")) {
                return value;
            }
            throw new TypeConversionException("there is no file \"" + value + "\", and a template would have braces");
        }
        try {
            if (!Files.isRegularFile(file)) {
                throw new TypeConversionException("expected a file, found \"" + value + "\", which is none");
            }
            long size = Files.size(file);
            if (size > MOST) {
                throw new TypeConversionException("expected at most " + MOST + " bytes, \"" + value + "\" has " + size);
            }
            String text = Files.readString(file);
            if (text.isBlank()) {
                throw new TypeConversionException("\"" + value + "\" is empty");
            }
            return text;
        } catch (CharacterCodingException e) {
            throw new TypeConversionException("\"" + value + "\" is not UTF-8");
        } catch (IOException e) {
            throw new TypeConversionException("\"" + value + "\" cannot be read: " + e);
        }
    }

    private static Path file(String value) {
        try {
            return Path.of(value);
        } catch (InvalidPathException e) {
            return null;
        }
    }
}

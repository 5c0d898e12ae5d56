package dev.spandrel.engine;

/**
 * A token as people see it.
 *
 * @param entry as the vocabulary writes it, e.g. {@code Ġthe} or {@code ▁the}; empty for an id without one
 * @param text its bytes as text, U+FFFD where they are part of a character
 * @param bytes what it adds to the text; a special token its name
 */
public record TokenText(String entry, String text, byte[] bytes) {}

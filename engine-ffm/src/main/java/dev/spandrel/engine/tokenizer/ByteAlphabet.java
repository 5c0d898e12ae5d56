package dev.spandrel.engine.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * GPT-2's way to write any byte as one printable character, so that a vocabulary of byte strings is a text file: printable
 * Latin-1 stands for itself, the other 68 bytes for U+0100 and up (openai/gpt-2, {@code encoder.py}).
 */
final class ByteAlphabet {
    private static final char[] CHARS = new char[256];
    private static final short[] BYTES = new short[256 + 68];

    static {
        Arrays.fill(BYTES, (short) -1);
        char next = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable = b > ' ' && b <= '~' || b >= 0xa1 && b != 0xad;
            CHARS[b] = printable ? (char) b : next++;
            BYTES[CHARS[b]] = (short) b;
        }
    }

    private ByteAlphabet() {}

    /** The character that stands for a byte, 0 to 255. */
    static char charOf(int b) {
        return CHARS[b];
    }

    /** Writes bytes in the alphabet. */
    static String write(byte[] bytes) {
        char[] chars = new char[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            chars[i] = CHARS[bytes[i] & 0xff];
        }
        return new String(chars);
    }

    /** The bytes a vocabulary entry stands for; an entry with a character outside the alphabet is its own UTF-8. */
    static byte[] read(String token) {
        byte[] bytes = new byte[token.length()];
        for (int i = 0; i < bytes.length; i++) {
            char c = token.charAt(i);
            if (c >= BYTES.length || BYTES[c] < 0) {
                return token.getBytes(StandardCharsets.UTF_8);
            }
            bytes[i] = (byte) BYTES[c];
        }
        return bytes;
    }
}

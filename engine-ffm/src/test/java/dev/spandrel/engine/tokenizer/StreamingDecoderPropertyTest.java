package dev.spandrel.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Random bytes, cut anywhere, with random stop strings, against decoding and cutting all at once. */
class StreamingDecoderPropertyTest {
    private static final int ROUNDS = 40_000;
    private static final String[] PIECES = {
        "a", "b", "ab", "aa", "\n", " ", "é", "东", "🙂", "👩‍👧", "e\u0301", "\ufffd", "STOP"
    };

    @Test
    void piecesJoinToTheWholeCutAtTheStop() {
        long base = Long.getLong("decoder.seed", 20_261_123L);
        int stopped = 0;
        for (int i = 0; i < ROUNDS; i++) {
            long seed = base + i;
            SplittableRandom random = new SplittableRandom(seed);
            byte[] bytes = bytes(random);
            List<String> stop = stop(random);
            Expected expected = Expected.of(bytes, stop);
            String description = "decoder.seed=" + seed + " stop=" + stop + " bytes=" + Arrays.toString(bytes);

            ByteTokens tokens = new ByteTokens();
            StreamingDecoder decoder = new StreamingDecoder(tokens, stop);
            StringBuilder text = new StringBuilder();
            for (byte[] token : cut(bytes, random)) {
                text.append(decoder.append(tokens.add(token)));
                assertThat(expected.text).as(description).startsWith(text);
                assertThat(text.isEmpty() || !Character.isHighSurrogate(text.charAt(text.length() - 1)))
                        .as(description)
                        .isTrue();
            }
            text.append(decoder.finish());

            assertThat(text.toString()).as(description).isEqualTo(expected.text);
            assertThat(decoder.stopReason().orElse(null)).as(description).isEqualTo(expected.stopReason);
            stopped += decoder.stopReason().isPresent() ? 1 : 0;
        }
        assertThat(stopped).as("rounds that met a stop string").isBetween(ROUNDS / 10, ROUNDS * 9 / 10);
    }

    /** The plain way: the shortest beginning of the text that ends with a stop string, without that string. */
    private record Expected(String text, String stopReason) {
        static Expected of(byte[] bytes, List<String> stop) {
            String text = decodeAtOnce(bytes);
            for (int end = 0; end <= text.length(); end++) {
                for (String candidate : stop) {
                    if (text.startsWith(candidate, end - candidate.length())) {
                        return new Expected(text.substring(0, end - candidate.length()), candidate);
                    }
                }
            }
            return new Expected(text, null);
        }
    }

    /** A decoder of another make: the longest well-formed sequence, else the longest beginning of one, else one byte. */
    private static String decodeAtOnce(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (int at = 0; at < bytes.length; ) {
            int length = beginningOfASequence(bytes, at);
            String decoded = new String(bytes, at, length, StandardCharsets.UTF_8);
            boolean whole =
                    Arrays.equals(decoded.getBytes(StandardCharsets.UTF_8), Arrays.copyOfRange(bytes, at, at + length));
            text.append(whole ? decoded : "\ufffd");
            at += length;
        }
        return text.toString();
    }

    private static int beginningOfASequence(byte[] bytes, int at) {
        int[] lows = {0x00, 0x80, 0x800, 0x10000};
        int first = bytes[at] & 0xff;
        int size = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0;
        int length = 1;
        for (int value = first & (0xff >> size + 1); length < size && at + length < bytes.length; length++) {
            int b = bytes[at + length] & 0xff;
            value = value << 6 | b & 0x3f;
            int shift = 6 * (size - 1 - length);
            long least = (long) value << shift;
            long most = least | (1L << shift) - 1;
            boolean surrogates = least >= 0xd800 && most <= 0xdfff;
            if (b >> 6 != 2 || most < lows[size - 1] || least > 0x10ffff || surrogates) {
                break;
            }
        }
        return length;
    }

    private static byte[] bytes(SplittableRandom random) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = random.nextInt(25); i > 0; i--) {
            switch (random.nextInt(4)) {
                case 0 -> bytes.write(random.nextInt(256));
                case 1 -> bytes.write(0x80 + random.nextInt(128));
                default -> bytes.writeBytes(PIECES[random.nextInt(PIECES.length)].getBytes(StandardCharsets.UTF_8));
            }
        }
        return bytes.toByteArray();
    }

    private static List<String> stop(SplittableRandom random) {
        List<String> stop = new ArrayList<>();
        for (int i = random.nextInt(5); i > 0; i--) {
            StringBuilder text = new StringBuilder();
            for (int n = 1 + random.nextInt(4); n > 0; n--) {
                text.append(PIECES[random.nextInt(PIECES.length)]);
            }
            stop.add(text.toString());
        }
        return stop;
    }

    private static List<byte[]> cut(byte[] bytes, SplittableRandom random) {
        List<byte[]> tokens = new ArrayList<>();
        for (int at = 0; at < bytes.length; ) {
            int end = Math.min(bytes.length, at + random.nextInt(6));
            tokens.add(Arrays.copyOfRange(bytes, at, end));
            at = end;
        }
        return tokens;
    }
}

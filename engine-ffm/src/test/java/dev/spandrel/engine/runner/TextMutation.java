package dev.spandrel.engine.runner;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Damage as text files meet it: flipped bits, other punctuation, cut ends, doubled parts, other values. */
final class TextMutation {
    private static final String PUNCTUATION = "{}[]\",:0-9e.\\ \n%|()";

    private TextMutation() {}

    /** @param values what may stand where a value stood */
    static byte[] of(byte[] file, SplittableRandom random, List<String> values) {
        byte[] mutated = file.clone();
        for (int i = random.nextInt(3); i >= 0 && mutated.length > 0; i--) {
            mutated = once(mutated, random, values);
        }
        return mutated;
    }

    private static byte[] once(byte[] file, SplittableRandom random, List<String> values) {
        int at = random.nextInt(file.length);
        switch (random.nextInt(8)) {
            case 0 -> file[at] ^= (byte) (1 << random.nextInt(8));
            case 1 -> file[at] = (byte) PUNCTUATION.charAt(random.nextInt(PUNCTUATION.length()));
            case 2 -> {
                return random.nextInt(4) == 0 ? Arrays.copyOf(file, at) : file;
            }
            case 3 -> {
                byte[] part = Arrays.copyOfRange(file, at, Math.min(file.length, at + random.nextInt(40)));
                return replaced(file, random.nextInt(file.length), 0, part);
            }
            case 4 -> {
                return replaced(file, at, Math.min(random.nextInt(40), file.length - at), new byte[0]);
            }
            default -> {
                return otherValue(file, at, values.get(random.nextInt(values.size())));
            }
        }
        return file;
    }

    /** Replaces the value behind the next colon. */
    private static byte[] otherValue(byte[] file, int from, String value) {
        int begin = from;
        while (begin < file.length && file[begin] != ':') {
            begin++;
        }
        int end = begin + 1;
        while (end < file.length && ",}]\n".indexOf(file[end]) < 0) {
            end++;
        }
        return begin == file.length
                ? file
                : replaced(file, begin + 1, end - begin - 1, value.getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] replaced(byte[] file, int at, int length, byte[] by) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(file.length + by.length);
        out.write(file, 0, at);
        out.writeBytes(by);
        out.write(file, at + length, file.length - at - length);
        return out.toByteArray();
    }
}

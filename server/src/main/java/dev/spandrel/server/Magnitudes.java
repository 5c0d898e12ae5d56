package dev.spandrel.server;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Numbers as people write them: {@code 3.2M} out; {@code 1k}, {@code 1K}, {@code 25.6k} in, as vLLM's flags take them. */
final class Magnitudes {
    private static final Pattern NUMBER = Pattern.compile("(\\d+(?:\\.\\d+)?)([kmgtKMGT]?)");
    private static final String UNITS = "kmgt";

    private Magnitudes() {}

    /** A count with one decimal and K, M, B or T. */
    static String of(long count) {
        String[] units = {"", "K", "M", "B", "T"};
        double value = count;
        int unit = 0;
        while (value >= 1000 && unit < units.length - 1) {
            value /= 1000;
            unit++;
        }
        return unit == 0 ? String.valueOf(count) : String.format(Locale.ROOT, "%.1f%s", value, units[unit]);
    }

    /**
     * A whole number; small letters are powers of 1000, capitals of 1024.
     *
     * @throws IllegalArgumentException saying what was expected
     */
    static long parse(String text) {
        Matcher matcher = NUMBER.matcher(text.strip());
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "expected a whole number, or one with k, m, g (powers of 1000) or K, M, G (of 1024), found \""
                            + text + "\"");
        }
        String suffix = matcher.group(2);
        int power = suffix.isEmpty() ? 0 : UNITS.indexOf(suffix.toLowerCase(Locale.ROOT)) + 1;
        boolean binary = !suffix.isEmpty() && Character.isUpperCase(suffix.charAt(0));
        double value = Double.parseDouble(matcher.group(1)) * Math.pow(binary ? 1024 : 1000, power);
        if (value != Math.rint(value) || value > Long.MAX_VALUE / 2) {
            throw new IllegalArgumentException("expected a whole number of 64 bits, found \"" + text + "\"");
        }
        return (long) value;
    }

    /** A number of tokens as vLLM takes it; {@code auto} and -1 are 0. */
    static final class Length implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String text) {
            long length = text.equals("auto") || text.equals("-1") ? 0 : flag(text);
            if (length > Integer.MAX_VALUE) {
                throw new TypeConversionException("expected a number of tokens of 31 bits, found \"" + text + "\"");
            }
            return (int) length;
        }
    }

    /** A number of bytes. */
    static final class Bytes implements ITypeConverter<Long> {
        @Override
        public Long convert(String text) {
            return flag(text);
        }
    }

    /** Of other exceptions picocli would tell the class. */
    private static long flag(String text) {
        try {
            return parse(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }
}

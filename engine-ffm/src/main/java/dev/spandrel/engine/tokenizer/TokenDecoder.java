package dev.spandrel.engine.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/**
 * The {@code decoder} of {@code tokenizer.json}: the bytes that one token stands for. A step that takes the space off the
 * start of a whole text ({@code Strip}, Metaspace's prepended one) has no place here: generated text continues another, and
 * there the space belongs between them.
 */
final class TokenDecoder {
    private static final Pattern BYTE = Pattern.compile("<0x([0-9A-Fa-f]{2})>");

    private final Problems problems;
    private boolean byteLevel;
    private boolean byteFallback;
    private Function<String, String> text = Function.identity();

    private TokenDecoder(Problems problems) {
        this.problems = problems;
    }

    /** Reads it; a kind this version does not know becomes a problem. */
    static Function<String, byte[]> read(JsonNode json, Problems problems) {
        TokenDecoder decoder = new TokenDecoder(problems);
        decoder.add(json);
        return decoder::bytes;
    }

    private void add(JsonNode json) {
        switch (json.path("type").asString("none")) {
            case "ByteLevel" -> byteLevel = true;
            case "ByteFallback" -> byteFallback = true;
            case "none", "Fuse" -> {}
            case "Strip" -> {
                if (!json.path("content").asString(" ").equals(" ")
                        || json.path("stop").asInt(0) != 0) {
                    problems.add("decoder.Strip: this version reads spaces at the start, found " + json);
                }
            }
            case "Replace" -> {
                Pattern pattern = Patterns.read(json.path("pattern"), "decoder", problems);
                String content = Matcher.quoteReplacement(json.path("content").asString(""));
                text = text.andThen(token -> pattern.matcher(token).replaceAll(content));
            }
            case "Metaspace" -> {
                String replacement = json.path("replacement").asString("▁");
                text = text.andThen(token -> token.replace(replacement, " "));
            }
            case "Sequence" -> json.path("decoders").forEach(this::add);
            default ->
                problems.add("decoder: this version reads ByteLevel, ByteFallback, Replace, Metaspace, Strip, Fuse and "
                        + "Sequence, found " + TokenizerJson.type(json));
        }
    }

    private byte[] bytes(String token) {
        if (byteLevel) {
            return ByteAlphabet.read(token);
        }
        Matcher single = BYTE.matcher(token);
        if (byteFallback && single.matches()) {
            return new byte[] {(byte) Integer.parseInt(single.group(1), 16)};
        }
        return text.apply(token).getBytes(StandardCharsets.UTF_8);
    }
}

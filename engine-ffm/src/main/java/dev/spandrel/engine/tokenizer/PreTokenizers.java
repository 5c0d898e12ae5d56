package dev.spandrel.engine.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/** The {@code pre_tokenizer} of {@code tokenizer.json}: how a text falls into words that tokens never cross. */
final class PreTokenizers {
    /** One step of the split. */
    @FunctionalInterface
    interface Step {
        /** @param first whether the piece begins the text */
        List<String> split(String piece, boolean first);
    }

    /**
     * The split.
     *
     * @param steps in order
     * @param byteLevel whether words are spelled in {@link ByteAlphabet} behind it
     */
    record Split(List<Step> steps, boolean byteLevel) {
        List<String> words(String text, boolean first) {
            List<String> pieces = List.of(text);
            for (Step step : steps) {
                List<String> next = new ArrayList<>();
                for (int i = 0; i < pieces.size(); i++) {
                    next.addAll(step.split(pieces.get(i), first && i == 0));
                }
                pieces = next;
            }
            return pieces;
        }
    }

    private PreTokenizers() {}

    /** Reads it; a kind this version does not know becomes a problem. */
    static Split read(JsonNode json, Problems problems) {
        List<Step> steps = new ArrayList<>();
        boolean byteLevel = read(json, steps, problems);
        return new Split(List.copyOf(steps), byteLevel);
    }

    private static boolean read(JsonNode json, List<Step> steps, Problems problems) {
        boolean byteLevel = false;
        switch (json.path("type").asString("none")) {
            case "none" -> {}
            case "Sequence" -> {
                for (JsonNode part : json.path("pretokenizers")) {
                    byteLevel |= read(part, steps, problems);
                }
            }
            case "ByteLevel" -> {
                steps.add(byteLevel(json));
                byteLevel = true;
            }
            case "Split" -> steps.add(split(json, problems));
            case "Digits" -> {
                boolean each = json.path("individual_digits").asBoolean(false);
                Pattern digits = Pattern.compile(each ? "\\p{N}" : "\\p{N}+");
                steps.add((piece, first) -> isolated(piece, digits));
            }
            case "Metaspace" -> steps.add(metaspace(json, problems));
            default ->
                problems.add(
                        "pre_tokenizer: this version reads ByteLevel, Split, Digits, Metaspace and Sequence, found "
                                + TokenizerJson.type(json));
        }
        return byteLevel;
    }

    /** GPT-2's: a space in front where it is asked for, and its own split unless another one came before. */
    static Step byteLevel(JsonNode json) {
        boolean prefix = json.path("add_prefix_space").asBoolean(true);
        boolean split = json.path("use_regex").asBoolean(true);
        return (piece, first) -> {
            String text = prefix && !piece.startsWith(" ") ? " " + piece : piece;
            return split ? gpt2(text) : List.of(text);
        };
    }

    /** GPT-2's split alone. */
    static Step gpt2() {
        return (piece, first) -> gpt2(piece);
    }

    /** Both matches of a regular expression and what lies between them are words. */
    static Step isolated(String regex) {
        Pattern pattern = Pattern.compile(regex, Patterns.FLAGS);
        return (piece, first) -> isolated(piece, pattern);
    }

    private static List<String> gpt2(String text) {
        List<String> words = new ArrayList<>();
        for (int at = 0; at < text.length(); ) {
            int end = Gpt2Splitter.wordEnd(text, at, text.length());
            words.add(text.substring(at, end));
            at = end;
        }
        return words;
    }

    private static Step split(JsonNode json, Problems problems) {
        Pattern pattern = Patterns.read(json.path("pattern"), "pre_tokenizer", problems);
        String behavior = json.path("behavior").asString("none");
        if (json.path("invert").asBoolean(false) && !behavior.equals("Removed") && !behavior.equals("Isolated")) {
            problems.add("pre_tokenizer.invert: this version reads it with Removed or Isolated, found " + behavior);
        }
        boolean invert = json.path("invert").asBoolean(false);
        switch (behavior) {
            case "Isolated":
                // Both matches and what lies between are words, so the inverse is the same.
                return (piece, first) -> isolated(piece, pattern);
            case "Removed":
                return (piece, first) -> kept(piece, pattern, invert);
            case "MergedWithPrevious":
                return (piece, first) -> merged(piece, pattern, false);
            case "MergedWithNext":
                return (piece, first) -> merged(piece, pattern, true);
            default:
                problems.add("pre_tokenizer.behavior: this version reads Isolated, Removed, MergedWithPrevious and "
                        + "MergedWithNext, found " + behavior);
                return (piece, first) -> List.of(piece);
        }
    }

    private static List<String> isolated(String text, Pattern pattern) {
        List<String> words = new ArrayList<>();
        Matcher matcher = pattern.matcher(text);
        int done = 0;
        while (matcher.find()) {
            if (matcher.end() == matcher.start()) {
                continue;
            }
            if (matcher.start() > done) {
                words.add(text.substring(done, matcher.start()));
            }
            words.add(matcher.group());
            done = matcher.end();
        }
        if (done < text.length()) {
            words.add(text.substring(done));
        }
        return words;
    }

    /** What does not match, or with {@code matches} only what does. */
    private static List<String> kept(String text, Pattern pattern, boolean matches) {
        List<String> words = new ArrayList<>();
        Matcher matcher = pattern.matcher(text);
        int done = 0;
        while (matcher.find()) {
            String word = matches ? matcher.group() : text.substring(done, matcher.start());
            if (!word.isEmpty()) {
                words.add(word);
            }
            done = matcher.end();
        }
        if (!matches && done < text.length()) {
            words.add(text.substring(done));
        }
        return words;
    }

    /** Cuts before each match, or behind it, so that it goes with its neighbour. */
    private static List<String> merged(String text, Pattern pattern, boolean next) {
        List<String> words = new ArrayList<>();
        Matcher matcher = pattern.matcher(text);
        int done = 0;
        while (matcher.find()) {
            int cut = next ? matcher.start() : matcher.end();
            if (cut > done) {
                words.add(text.substring(done, cut));
                done = cut;
            }
        }
        if (done < text.length()) {
            words.add(text.substring(done));
        }
        return words;
    }

    /** SentencePiece's: spaces become a character of their own, one goes in front, words begin with it. */
    private static Step metaspace(JsonNode json, Problems problems) {
        String replacement = json.path("replacement").asString("▁");
        String scheme = json.path("prepend_scheme")
                .asString(json.path("add_prefix_space").asBoolean(true) ? "always" : "never");
        boolean split = json.path("split").asBoolean(true);
        if (!List.of("always", "first", "never").contains(scheme)) {
            problems.add("pre_tokenizer.prepend_scheme: expected always, first or never, found " + scheme);
        }
        Pattern word = Pattern.compile(Pattern.quote(replacement));
        return (piece, first) -> {
            String text = piece.replace(" ", replacement);
            boolean prepend = scheme.equals("always") || scheme.equals("first") && first;
            text = prepend && !text.startsWith(replacement) ? replacement + text : text;
            return split ? merged(text, word, true) : List.of(text);
        };
    }
}

package dev.spandrel.engine.tokenizer;

import java.text.Normalizer;
import java.util.Locale;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/** The {@code normalizer} of {@code tokenizer.json}: what is done to a text before it is split. */
final class Normalizers {
    private Normalizers() {}

    /** Reads it; a kind this version does not know becomes a problem. */
    static UnaryOperator<String> read(JsonNode json, Problems problems) {
        String type = json.path("type").asString("none");
        return switch (type) {
            case "none" -> UnaryOperator.identity();
            case "NFC" -> text -> Normalizer.normalize(text, Normalizer.Form.NFC);
            case "NFD" -> text -> Normalizer.normalize(text, Normalizer.Form.NFD);
            case "NFKC" -> text -> Normalizer.normalize(text, Normalizer.Form.NFKC);
            case "NFKD" -> text -> Normalizer.normalize(text, Normalizer.Form.NFKD);
            case "Lowercase" -> text -> text.toLowerCase(Locale.ROOT);
            case "Prepend" -> {
                String front = json.path("prepend").asString("");
                yield text -> text.isEmpty() ? text : front + text;
            }
            case "Replace" -> replace(json, problems);
            case "Sequence" -> {
                UnaryOperator<String> all = UnaryOperator.identity();
                for (JsonNode part : json.path("normalizers")) {
                    UnaryOperator<String> first = all;
                    UnaryOperator<String> next = read(part, problems);
                    all = text -> next.apply(first.apply(text));
                }
                yield all;
            }
            default -> {
                problems.add(
                        "normalizer: this version reads NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Replace and Sequence,"
                                + " found " + TokenizerJson.type(json));
                yield UnaryOperator.identity();
            }
        };
    }

    private static UnaryOperator<String> replace(JsonNode json, Problems problems) {
        String content = json.path("content").asString("");
        Pattern pattern = Patterns.read(json.path("pattern"), "normalizer", problems);
        String quoted = java.util.regex.Matcher.quoteReplacement(content);
        return text -> pattern.matcher(text).replaceAll(quoted);
    }
}

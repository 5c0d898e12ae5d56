package dev.spandrel.engine.tokenizer;

import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import tools.jackson.databind.JsonNode;

/**
 * Patterns of {@code tokenizer.json}, either text as it is or a regular expression. Hugging Face's library runs them on
 * Oniguruma with Unicode classes; the JDK's engine is told to mean the same by {@code \s}, {@code \d} and {@code (?i:}.
 */
final class Patterns {
    static final int FLAGS = Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNICODE_CASE;

    private static final Pattern NEVER = Pattern.compile("(?!)");

    private Patterns() {}

    static Pattern read(JsonNode json, String place, Problems problems) {
        if (json.path("String").isString()) {
            return Pattern.compile(Pattern.quote(json.path("String").asString()));
        }
        if (!json.path("Regex").isString()) {
            problems.add(place + ".pattern: expected String or Regex, found " + json);
            return NEVER;
        }
        try {
            return Pattern.compile(json.path("Regex").asString(), FLAGS);
        } catch (PatternSyntaxException e) {
            problems.add(place + ".pattern: expected a regular expression, found one that is none here: "
                    + e.getDescription());
            return NEVER;
        }
    }
}

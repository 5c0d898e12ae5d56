package dev.spandrel.sidecar.transform;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What is masked.
 *
 * @param names attributes whose values go, at every level; a trailing {@code *} stands for any ending
 * @param patterns matches within texts go
 * @param content whether what a model was told and answered goes: the {@code gen_ai.*} attributes and event bodies that
 *     hold it (semantic conventions for generative AI 1.3x, with the older names still sent)
 */
public record RedactionRules(Set<String> names, List<Pattern> patterns, boolean content) {
    private static final Set<String> CONTENT = Set.of(
            "gen_ai.input.messages",
            "gen_ai.output.messages",
            "gen_ai.system_instructions",
            "gen_ai.tool.definitions",
            "gen_ai.tool.call.arguments",
            "gen_ai.tool.call.result",
            "gen_ai.retrieval.query.text",
            "gen_ai.retrieval.documents",
            "gen_ai.prompt",
            "gen_ai.prompt.*",
            "gen_ai.completion",
            "gen_ai.completion.*");

    public RedactionRules {
        Set<String> all = new HashSet<>(names);
        if (content) {
            all.addAll(CONTENT);
        }
        names = Set.copyOf(all);
        patterns = List.copyOf(patterns);
    }

    /** Whether nothing is masked. */
    public boolean isEmpty() {
        return names.isEmpty() && patterns.isEmpty();
    }

    boolean hides(String key) {
        if (names.contains(key)) {
            return true;
        }
        return names.stream()
                .anyMatch(name -> name.endsWith("*") && key.startsWith(name.substring(0, name.length() - 1)));
    }
}

package dev.spandrel.engine;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How a conversation becomes a prompt.
 *
 * @param addGenerationPrompt whether the template opens the assistant's turn
 * @param continueFinalMessage whether the last message stays open, to be continued
 * @param addSpecialTokens whether BOS and the like are added to what the template wrote
 * @param tools JSON-like values ({@link Map}, {@link List}, text, numbers) the template describes to the model
 * @param variables more variables of the template, by name
 */
public record ChatOptions(
        boolean addGenerationPrompt,
        boolean continueFinalMessage,
        boolean addSpecialTokens,
        List<Object> tools,
        Map<String, Object> variables) {
    /** Opens the assistant's turn, nothing else. */
    public static final ChatOptions DEFAULT = new ChatOptions(true, false, false, List.of(), Map.of());

    public ChatOptions {
        tools = List.copyOf(tools);
        // Not Map.copyOf: a variable may be null.
        variables = new HashMap<>(variables);
    }
}

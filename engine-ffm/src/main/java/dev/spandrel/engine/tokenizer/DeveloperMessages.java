package dev.spandrel.engine.tokenizer;

import dev.spandrel.engine.ChatMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The role {@code developer}, which OpenAI's clients use for {@code system}, for templates that do not know it. As in vLLM such
 * messages become system messages, and then all of these one at the beginning, where many templates want it alone.
 */
final class DeveloperMessages {
    private static final String DEVELOPER = "developer";
    private static final String SYSTEM = "system";

    private DeveloperMessages() {}

    /**
     * The messages as a template may see them.
     *
     * @param source the template
     */
    static List<ChatMessage> adapted(List<ChatMessage> messages, String source) {
        boolean known = source.contains('"' + DEVELOPER + '"') || source.contains("'" + DEVELOPER + "'");
        if (known || messages.stream().noneMatch(DeveloperMessages::isDevelopers)) {
            return messages;
        }
        List<ChatMessage> instructions = new ArrayList<>();
        List<ChatMessage> others = new ArrayList<>();
        for (ChatMessage message : messages) {
            (isDevelopers(message) || message.role().equals(SYSTEM) ? instructions : others).add(message);
        }
        ChatMessage first = instructions.getFirst();
        ChatMessage one = instructions.size() == 1
                ? new ChatMessage(SYSTEM, first.content(), first.parts(), first.more())
                : new ChatMessage(SYSTEM, joined(instructions));
        others.addFirst(one);
        return others;
    }

    private static boolean isDevelopers(ChatMessage message) {
        return message.role().equals(DEVELOPER);
    }

    private static String joined(List<ChatMessage> instructions) {
        return instructions.stream()
                .map(ChatMessage::content)
                .filter(text -> !text.isEmpty())
                .collect(Collectors.joining("\n\n"));
    }
}

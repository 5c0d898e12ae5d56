package dev.spandrel.engine.tokenizer;

import dev.spandrel.engine.ChatMessage;
import java.nio.file.Path;
import java.util.List;

/** Placeholder. */
public final class ChatTemplate {
    public static ChatTemplate open(Path folder) {
        return new ChatTemplate();
    }

    public boolean present() {
        return true;
    }

    public String render(List<ChatMessage> messages) {
        return "</s>User: " + messages.getLast().content() + "\nAssistant:";
    }
}

package dev.spandrel.engine;

import java.util.List;
import java.util.Objects;

/** What to continue: text, token ids, or a conversation for the model's chat template. */
public sealed interface Prompt {
    /** Text, tokenised with the model's special tokens in front (BOS). */
    record Text(String text) implements Prompt {
        public Text {
            Objects.requireNonNull(text, "text");
        }
    }

    /** Token ids, used exactly as given. */
    record Tokens(List<Integer> ids) implements Prompt {
        public Tokens {
            ids = List.copyOf(ids);
        }
    }

    /** A conversation; the template renders it, asking for the assistant's turn. */
    record Chat(List<ChatMessage> messages) implements Prompt {
        public Chat {
            messages = List.copyOf(messages);
        }
    }
}

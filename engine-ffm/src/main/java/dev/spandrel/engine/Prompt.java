package dev.spandrel.engine;

import java.util.List;
import java.util.Objects;

/** What to continue: text, token ids, or a conversation for the model's chat template. */
public sealed interface Prompt {
    /**
     * Text.
     *
     * @param addSpecialTokens whether the model's special tokens go in front (BOS)
     */
    record Text(String text, boolean addSpecialTokens) implements Prompt {
        /** Text with the model's special tokens. */
        public Text(String text) {
            this(text, true);
        }

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

    /** A conversation; the model's template renders it. */
    record Chat(List<ChatMessage> messages, ChatOptions options) implements Prompt {
        /** A conversation that asks for the assistant's turn. */
        public Chat(List<ChatMessage> messages) {
            this(messages, ChatOptions.DEFAULT);
        }

        public Chat {
            messages = List.copyOf(messages);
        }
    }
}

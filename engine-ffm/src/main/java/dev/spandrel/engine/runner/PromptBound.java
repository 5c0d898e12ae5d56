package dev.spandrel.engine.runner;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.tokenizer.Tokenizer;

/**
 * Refuses texts that cannot fit the context whatever their tokens are, before work is put into tokenizing them: no token
 * stands for more characters than the longest one has bytes.
 */
final class PromptBound {
    private final int longestToken;
    private final int maxModelLen;

    PromptBound(Tokenizer tokenizer, int maxModelLen) {
        int longest = 1;
        for (int id = 0; id < tokenizer.vocabSize(); id++) {
            longest = Math.max(longest, tokenizer.textBytes(id).length);
        }
        this.longestToken = longest;
        this.maxModelLen = maxModelLen;
    }

    /**
     * Checks a text.
     *
     * @throws EngineException.InvalidRequest when even the longest tokens would be too many
     */
    void check(String text) {
        long most = (long) maxModelLen * longestToken;
        if (text.length() > most) {
            throw EngineException.InvalidRequest.value(
                    "input_text",
                    "The model's maximum context length is " + maxModelLen + " tokens, which hold at most " + most
                            + " characters; the text is longer. Shorten the prompt",
                    text.length() + " characters");
        }
    }
}

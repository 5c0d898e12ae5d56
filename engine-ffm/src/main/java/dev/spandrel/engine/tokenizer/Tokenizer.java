package dev.spandrel.engine.tokenizer;

import dev.spandrel.engine.EngineException;
import java.nio.file.Path;

/** Text to token ids and back, exactly as the model's own tokenizer does it. Thread-safe. */
public interface Tokenizer {
    /**
     * Opens the tokenizer of a model.
     *
     * @param folder its folder, or its GGUF file
     * @throws EngineException.ModelLoad with all that is wrong with its files, or with what was looked for and what was
     *     found when there are none
     */
    static Tokenizer open(Path folder) {
        return TokenizerLoader.open(folder);
    }

    /** Whether a model brings a tokenizer of any kind, be it one that is not read. */
    static boolean isIn(Path folder) {
        return TokenizerLoader.isIn(folder);
    }

    /** One for a model without, whose weights mean nothing either: a token for each byte, names for the other ids. */
    static Tokenizer placeholder(int vocabSize) {
        return new PlaceholderTokenizer(vocabSize);
    }

    /**
     * @param text any text; unpaired surrogates are replaced by U+FFFD
     * @param addSpecialTokens whether to put in front (or behind) what the model was trained with, such as BOS
     */
    int[] encode(String text, boolean addSpecialTokens);

    /** One more than the largest id, added tokens included. */
    int vocabSize();

    /**
     * The raw bytes of one token, which may be part of a character; empty for a special token and for an id without an
     * entry. The array is the tokenizer's own: read only.
     */
    byte[] bytes(int id);

    /** As {@link #bytes}, but a special token stands for its name. */
    byte[] textBytes(int id);

    /** A token as the vocabulary writes it; empty for an id without an entry. */
    String entry(int id);

    /** The id of a token by its text as in the vocabulary, or −1. */
    int idOf(String token);

    /** True for control tokens such as BOS, which decoding leaves out. */
    boolean isSpecial(int id);
}

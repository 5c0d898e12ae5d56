package dev.spandrel.engine.grammar;

import dev.spandrel.engine.tokenizer.Tokenizer;
import java.util.List;

/** A vocabulary of any byte strings. */
record ByteWords(List<byte[]> words) implements Tokenizer {
    @Override
    public int[] encode(String text, boolean addSpecialTokens) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int vocabSize() {
        return words.size();
    }

    @Override
    public byte[] bytes(int id) {
        return words.get(id);
    }

    @Override
    public byte[] textBytes(int id) {
        return words.get(id);
    }

    @Override
    public String entry(int id) {
        return "";
    }

    @Override
    public int idOf(String token) {
        return -1;
    }

    @Override
    public boolean isSpecial(int id) {
        return false;
    }
}

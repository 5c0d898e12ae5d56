package dev.spandrel.engine.tokenizer;

import java.nio.charset.StandardCharsets;

/**
 * Stands in where a model has random weights and no tokenizer: a byte of UTF-8 is the token of its number, modulo the size
 * of the vocabulary; ids beyond the bytes are written as a word, so that answers grow with every token.
 */
final class PlaceholderTokenizer implements Tokenizer {
    private static final int BYTES = 256;

    private final int vocabSize;

    /** @param vocabSize ids the model scores */
    PlaceholderTokenizer(int vocabSize) {
        this.vocabSize = vocabSize;
    }

    @Override
    public int[] encode(String text, boolean addSpecialTokens) {
        byte[] bytes = WellFormed.text(text).getBytes(StandardCharsets.UTF_8);
        int[] ids = new int[bytes.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = (bytes[i] & 0xff) % vocabSize;
        }
        return ids;
    }

    @Override
    public int vocabSize() {
        return vocabSize;
    }

    @Override
    public byte[] bytes(int id) {
        return id < BYTES ? new byte[] {(byte) id} : (" t" + id).getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public byte[] textBytes(int id) {
        return bytes(id);
    }

    @Override
    public String entry(int id) {
        return new String(bytes(id), StandardCharsets.ISO_8859_1);
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

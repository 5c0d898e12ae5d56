package dev.spandrel.engine.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A tokenizer for decoding only: token n stands for the n-th byte string it was given; {@link #SPECIAL} for none. */
final class ByteTokens implements Tokenizer {
    static final int SPECIAL = 1 << 20;

    private final List<byte[]> tokens = new ArrayList<>();

    int add(byte... bytes) {
        tokens.add(bytes);
        return tokens.size() - 1;
    }

    int add(String text) {
        return add(text.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public byte[] bytes(int id) {
        return id == SPECIAL ? new byte[0] : tokens.get(id);
    }

    @Override
    public boolean isSpecial(int id) {
        return id == SPECIAL;
    }

    @Override
    public int[] encode(String text, boolean addSpecialTokens) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int vocabSize() {
        return tokens.size();
    }

    @Override
    public int idOf(String token) {
        throw new UnsupportedOperationException();
    }

    @Override
    public byte[] textBytes(int id) {
        return bytes(id);
    }

    @Override
    public String entry(int id) {
        return new String(bytes(id), java.nio.charset.StandardCharsets.ISO_8859_1);
    }
}

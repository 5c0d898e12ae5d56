package dev.spandrel.engine.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * GPT-2's tokenizer: added tokens are cut out, the rest is split into words, each word's UTF-8 bytes are merged. The ids
 * are those of Hugging Face's {@code ByteLevel} pipeline with its own regular expression. Time grows with the length of
 * the text and hardly faster, whatever it holds.
 */
final class ByteLevelBpeTokenizer implements Tokenizer {
    private static final byte[] NOTHING = {};

    private final BpeModel model;
    private final AddedTokens addedTokens;
    private final Map<String, Integer> ids;
    private final byte[][] bytes;
    private final boolean[] special;
    private final SpecialTokens around;
    private final boolean addPrefixSpace;

    /**
     * What is put around a text.
     *
     * @param front ids before it
     * @param back ids behind it
     */
    record SpecialTokens(int[] front, int[] back) {}

    /**
     * @param vocab the model's own tokens, in the alphabet of {@link ByteAlphabet}
     * @param added by id; an id may be the vocabulary's too
     */
    ByteLevelBpeTokenizer(
            BpeModel model,
            Map<String, Integer> vocab,
            Map<Integer, AddedToken> added,
            SpecialTokens around,
            boolean addPrefixSpace) {
        this.model = model;
        this.addedTokens = new AddedTokens(added);
        this.around = around;
        this.addPrefixSpace = addPrefixSpace;
        ids = new HashMap<>(vocab);
        added.forEach((id, token) -> ids.put(token.content(), id));
        int size = ids.values().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
        bytes = new byte[size][];
        special = new boolean[size];
        vocab.forEach((token, id) -> bytes[id] = ByteAlphabet.read(token));
        added.forEach((id, token) -> {
            bytes[id] = token.special() ? NOTHING : token.content().getBytes(StandardCharsets.UTF_8);
            special[id] = token.special();
        });
    }

    @Override
    public int[] encode(String text, boolean addSpecialTokens) {
        TokenBuffer out = new TokenBuffer();
        if (addSpecialTokens) {
            out.add(around.front);
        }
        encode(WellFormed.text(text), out);
        if (addSpecialTokens) {
            out.add(around.back);
        }
        return out.toArray();
    }

    private void encode(String text, TokenBuffer out) {
        WordMerger merger = model.merger();
        addedTokens.split(text, new AddedTokens.Sink() {
            @Override
            public void text(int from, int to) {
                if (addPrefixSpace && text.charAt(from) != ' ') {
                    String piece = " " + text.substring(from, to);
                    words(piece, 0, piece.length(), merger, out);
                } else {
                    words(text, from, to, merger, out);
                }
            }

            @Override
            public void token(int id) {
                out.add(id);
            }
        });
    }

    private void words(String text, int from, int to, WordMerger merger, TokenBuffer out) {
        int at = from;
        while (at < to) {
            int end = Gpt2Splitter.wordEnd(text, at, to);
            out.add(model.encode(text.substring(at, end), merger));
            at = end;
        }
    }

    @Override
    public int vocabSize() {
        return bytes.length;
    }

    @Override
    public byte[] bytes(int id) {
        return id < 0 || id >= bytes.length || bytes[id] == null ? NOTHING : bytes[id];
    }

    @Override
    public int idOf(String token) {
        return ids.getOrDefault(token, -1);
    }

    @Override
    public boolean isSpecial(int id) {
        return id >= 0 && id < special.length && special[id];
    }
}

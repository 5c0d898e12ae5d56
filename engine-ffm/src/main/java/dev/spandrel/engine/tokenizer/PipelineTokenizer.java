package dev.spandrel.engine.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * Hugging Face's pipeline: added tokens are cut out, what lies between is normalized and split into words, each word
 * becomes ids by the model. Time grows with the length of the text and hardly faster, whatever it holds, as far as the
 * regular expressions of the split allow. Immutable but for the model's cache.
 */
final class PipelineTokenizer implements Tokenizer {
    private static final byte[] NOTHING = {};

    private final UnaryOperator<String> normalizer;
    private final PreTokenizers.Split split;
    private final WordModel model;
    private final AddedTokens addedTokens;
    private final Map<String, Integer> ids;
    private final byte[][] bytes;
    private final String[] entries;
    private final boolean[] special;
    private final SpecialTokens around;

    /**
     * What is put around a text.
     *
     * @param front ids before it
     * @param back ids behind it
     */
    record SpecialTokens(int[] front, int[] back) {}

    /**
     * The steps between text and ids.
     *
     * @param decoder bytes of a token of the vocabulary
     */
    record Steps(
            UnaryOperator<String> normalizer,
            PreTokenizers.Split split,
            WordModel model,
            Function<String, byte[]> decoder) {}

    /**
     * @param vocab the model's own tokens
     * @param added by id; an id may be the vocabulary's too
     */
    PipelineTokenizer(Steps steps, Map<String, Integer> vocab, Map<Integer, AddedToken> added, SpecialTokens around) {
        normalizer = steps.normalizer();
        split = steps.split();
        model = steps.model();
        this.addedTokens = new AddedTokens(added, normalizer);
        this.around = around;
        ids = new HashMap<>(vocab);
        added.forEach((id, token) -> ids.put(token.content(), id));
        int size = ids.values().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
        bytes = new byte[size][];
        entries = new String[size];
        special = new boolean[size];
        ids.forEach((token, id) -> entries[id] = token);
        vocab.forEach((token, id) -> bytes[id] = steps.decoder().apply(token));
        added.forEach((id, token) -> {
            bytes[id] = token.special() ? NOTHING : token.content().getBytes(StandardCharsets.UTF_8);
            special[id] = token.special();
            entries[id] = token.content();
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
        WordModel.Encoder encoder = model.encoder();
        addedTokens.split(text, new AddedTokens.Sink() {
            private boolean first = true;

            @Override
            public void text(String piece) {
                for (String word : split.words(piece, first)) {
                    encoder.encode(word, out);
                }
                first = false;
            }

            @Override
            public void token(int id) {
                out.add(id);
                first = false;
            }
        });
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
    public byte[] textBytes(int id) {
        return isSpecial(id) ? entries[id].getBytes(StandardCharsets.UTF_8) : bytes(id);
    }

    @Override
    public String entry(int id) {
        return id < 0 || id >= entries.length || entries[id] == null ? "" : entries[id];
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

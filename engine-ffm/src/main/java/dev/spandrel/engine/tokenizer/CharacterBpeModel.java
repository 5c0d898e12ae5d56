package dev.spandrel.engine.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Byte-pair encoding from characters up, as SentencePiece trains it: a character without a token falls back to the tokens
 * {@code <0x00>} to {@code <0xFF>} of its bytes, or to the unknown token. Immutable.
 */
final class CharacterBpeModel implements WordModel {
    private final Map<String, Integer> vocab;
    private final MergeTable merges;
    private final ByteFallback fallback;
    private final Integer unknown;
    private final boolean fuseUnknown;
    private final boolean ignoreMerges;

    /**
     * @param fallback ids of bytes, or null when there is none
     * @param unknown id for what has no token, or null to leave it out
     * @param fuseUnknown whether neighbours without a token become one unknown
     * @param ignoreMerges a word that is a token as a whole is taken so
     */
    CharacterBpeModel(
            Map<String, Integer> vocab,
            MergeTable merges,
            ByteFallback fallback,
            Integer unknown,
            boolean fuseUnknown,
            boolean ignoreMerges) {
        this.vocab = vocab;
        this.merges = merges;
        this.fallback = fallback;
        this.unknown = unknown;
        this.fuseUnknown = fuseUnknown;
        this.ignoreMerges = ignoreMerges;
    }

    @Override
    public Encoder encoder() {
        WordMerger merger = new WordMerger(merges);
        return (word, out) -> {
            Integer whole = ignoreMerges ? vocab.get(word) : null;
            out.add(whole != null ? new int[] {whole} : merger.merge(symbols(word)));
        };
    }

    private int[] symbols(String word) {
        TokenBuffer symbols = new TokenBuffer();
        boolean afterUnknown = false;
        int length;
        for (int at = 0; at < word.length(); at += length) {
            length = Character.charCount(word.codePointAt(at));
            String character = word.substring(at, at + length);
            Integer id = vocab.get(character);
            int[] bytes = id == null && fallback != null ? fallback.ids(character) : null;
            if (id != null) {
                symbols.add(id);
            } else if (bytes != null) {
                symbols.add(bytes);
            } else if (unknown != null && !(fuseUnknown && afterUnknown)) {
                symbols.add(unknown);
            }
            afterUnknown = id == null && bytes == null;
        }
        return symbols.toArray();
    }

    /** The tokens of single bytes. */
    record ByteFallback(int[] byByte) {
        /** Reads them from a vocabulary; −1 where one is missing. */
        static ByteFallback of(Map<String, Integer> vocab) {
            int[] ids = new int[256];
            for (int b = 0; b < 256; b++) {
                ids[b] = vocab.getOrDefault(String.format("<0x%02X>", b), -1);
            }
            return new ByteFallback(ids);
        }

        /** The ids of a text's bytes, or null when one of them has none. */
        int[] ids(String text) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            int[] ids = new int[bytes.length];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = byByte[bytes[i] & 0xff];
                if (ids[i] < 0) {
                    return null;
                }
            }
            return ids;
        }
    }
}

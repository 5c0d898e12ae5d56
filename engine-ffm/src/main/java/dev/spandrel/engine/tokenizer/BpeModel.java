package dev.spandrel.engine.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Byte-pair encoding of single words (Sennrich et al. 2016, over bytes as in GPT-2). Words met lately are remembered in a
 * table of fixed size, whose entries push each other out. Immutable but for that, and thread-safe.
 */
final class BpeModel implements WordModel {
    /** 8,192 words: a few hundred kilobytes, and natural text repeats itself well within it. */
    private static final int CACHE_SLOTS = 1 << 13;

    /** Longer ones hardly come again, and the cache stays small in bytes too. */
    private static final int LONGEST_CACHED = 48;

    private record Cached(String word, int[] ids) {}

    private final Map<String, Integer> vocab;
    private final int[] byteIds;
    private final MergeTable merges;
    private final boolean ignoreMerges;
    // Plain reads and writes: entries are immutable, and a lost one is only merged again.
    private final Cached[] cache = new Cached[CACHE_SLOTS];

    /**
     * @param byteIds id by unsigned byte
     * @param ignoreMerges a word that is a token as a whole is taken so, whatever the merges say
     */
    BpeModel(Map<String, Integer> vocab, int[] byteIds, MergeTable merges, boolean ignoreMerges) {
        this.vocab = vocab;
        this.byteIds = byteIds.clone();
        this.merges = merges;
        this.ignoreMerges = ignoreMerges;
    }

    @Override
    public Encoder encoder() {
        WordMerger merger = new WordMerger(merges);
        return (word, out) -> out.add(encode(word, merger));
    }

    /** Ids of one word, not to be changed by the caller. */
    private int[] encode(String word, WordMerger merger) {
        if (word.length() > LONGEST_CACHED) {
            return merge(word, merger);
        }
        int slot = (word.hashCode() * 0x9E3779B9) >>> (32 - 13);
        Cached cached = cache[slot];
        if (cached != null && cached.word.equals(word)) {
            return cached.ids;
        }
        int[] ids = merge(word, merger);
        cache[slot] = new Cached(word, ids);
        return ids;
    }

    private int[] merge(String word, WordMerger merger) {
        byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
        Integer whole = ignoreMerges ? vocab.get(ByteAlphabet.write(bytes)) : null;
        if (whole != null) {
            return new int[] {whole};
        }
        int[] ids = new int[bytes.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = byteIds[bytes[i] & 0xff];
        }
        return merger.merge(ids);
    }
}

package dev.spandrel.engine.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Checks merges against the vocabulary and makes the model of both. */
final class BpeModelBuilder {
    private final Map<String, Integer> vocab;
    private final Problems problems;
    private final List<int[]> merges = new ArrayList<>();

    BpeModelBuilder(Map<String, Integer> vocab, Problems problems) {
        this.vocab = vocab;
        this.problems = problems;
    }

    /** Adds the next merge; earlier ones go first. */
    void merge(String left, String right, String place) {
        Integer leftId = vocab.get(left);
        Integer rightId = vocab.get(right);
        Integer result = vocab.get(left + right);
        if (leftId == null || rightId == null || result == null) {
            String missing = leftId == null ? left : rightId == null ? right : left + right;
            problems.add(place + ": merge of " + left + " and " + right + ": token " + missing
                    + " is not in the vocabulary");
            return;
        }
        merges.add(new int[] {leftId, rightId, result});
    }

    /**
     * @param unknown id for bytes without a token, or null when there must be none
     */
    BpeModel build(Integer unknown, boolean ignoreMerges) {
        return new BpeModel(vocab, byteIds(unknown), table(), ignoreMerges);
    }

    /** The merges so far, earlier ones first. */
    MergeTable table() {
        MergeTable table = new MergeTable(merges.size());
        for (int rank = 0; rank < merges.size(); rank++) {
            int[] merge = merges.get(rank);
            table.put(merge[0], merge[1], rank, merge[2]);
        }
        return table;
    }

    private int[] byteIds(Integer unknown) {
        int[] ids = new int[256];
        for (int b = 0; b < ids.length; b++) {
            Integer id = vocab.getOrDefault(String.valueOf(ByteAlphabet.charOf(b)), unknown);
            if (id == null) {
                problems.add("byte " + b + ": expected its token " + ByteAlphabet.charOf(b)
                        + " in a byte-level vocabulary, found none and no unk_token");
            } else {
                ids[b] = id;
            }
        }
        return ids;
    }
}

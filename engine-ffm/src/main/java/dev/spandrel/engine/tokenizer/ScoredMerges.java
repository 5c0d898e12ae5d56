package dev.spandrel.engine.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * SentencePiece's scores as an order of merges, as Hugging Face converts its models: every way to make a piece of two
 * others, best score first, of equal scores the one with the longer left half.
 */
final class ScoredMerges {
    private record Merge(int left, int right, int result, int leftLength, int rightLength) {}

    private ScoredMerges() {}

    /**
     * @param pieces id by piece
     * @param scores by id
     */
    static MergeTable table(Map<String, Integer> pieces, float[] scores) {
        List<Merge> merges = new ArrayList<>();
        pieces.forEach((piece, id) -> splits(piece, id, pieces, merges));
        merges.sort((a, b) -> order(a, b, scores));
        MergeTable table = new MergeTable(merges.size());
        for (int rank = 0; rank < merges.size(); rank++) {
            Merge merge = merges.get(rank);
            table.put(merge.left, merge.right, rank, merge.result);
        }
        return table;
    }

    private static void splits(String piece, int id, Map<String, Integer> pieces, List<Merge> into) {
        for (int at = piece.offsetByCodePoints(0, 1); at < piece.length(); at = piece.offsetByCodePoints(at, 1)) {
            Integer left = pieces.get(piece.substring(0, at));
            Integer right = left == null ? null : pieces.get(piece.substring(at));
            if (right != null) {
                into.add(new Merge(left, right, id, at, piece.length() - at));
            }
        }
    }

    private static int order(Merge a, Merge b, float[] scores) {
        int byScore = Float.compare(scores[b.result], scores[a.result]);
        if (byScore != 0) {
            return byScore;
        }
        int byLeft = Integer.compare(b.leftLength, a.leftLength);
        if (byLeft != 0) {
            return byLeft;
        }
        int byRight = Integer.compare(b.rightLength, a.rightLength);
        // The order of a hash map must not show.
        return byRight != 0 ? byRight : Long.compare((long) a.left << 32 | a.right, (long) b.left << 32 | b.right);
    }
}

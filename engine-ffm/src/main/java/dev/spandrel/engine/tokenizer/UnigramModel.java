package dev.spandrel.engine.tokenizer;

import dev.spandrel.engine.tokenizer.CharacterBpeModel.ByteFallback;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The unigram language model (Kudo, 2018): of all ways to cut a word into tokens the one with the highest sum of scores, by
 * Viterbi's algorithm from left to right; of equals the one found first. A character without a token costs ten more than
 * the worst token. Immutable.
 */
final class UnigramModel implements WordModel {
    private static final double UNKNOWN_PENALTY = 10;

    private static final class Node {
        final Map<Character, Node> children = new HashMap<>();
        int id = -1;
    }

    private final Node root = new Node();
    private final double[] scores;
    private final int unknown;
    private final double unknownScore;
    private final ByteFallback fallback;

    /**
     * @param pieces tokens by id
     * @param scores log-probabilities by id
     * @param unknown id for what has no token, or −1 to leave it out
     * @param fallback ids of bytes, or null when there is none
     */
    UnigramModel(List<String> pieces, double[] scores, int unknown, ByteFallback fallback) {
        this.scores = scores.clone();
        this.unknown = unknown;
        this.fallback = fallback;
        unknownScore = Arrays.stream(scores).min().orElse(0) - UNKNOWN_PENALTY;
        for (int id = 0; id < pieces.size(); id++) {
            Node node = root;
            for (char c : pieces.get(id).toCharArray()) {
                node = node.children.computeIfAbsent(c, key -> new Node());
            }
            node.id = id;
        }
    }

    @Override
    public Encoder encoder() {
        return this::encode;
    }

    private void encode(String word, TokenBuffer out) {
        int length = word.length();
        double[] best = new double[length + 1];
        int[] start = new int[length + 1];
        int[] id = new int[length + 1];
        Arrays.fill(start, -1);
        for (int at = 0; at < length; at += Character.charCount(word.codePointAt(at))) {
            extend(word, at, best, start, id);
        }
        write(word, start, id, out);
    }

    /** Offers every token that begins at a place, and the unknown where no token is just its character. */
    private void extend(String word, int at, double[] best, int[] start, int[] id) {
        int single = at + Character.charCount(word.codePointAt(at));
        boolean covered = false;
        Node node = root;
        for (int end = at; end < word.length(); end++) {
            node = node.children.get(word.charAt(end));
            if (node == null) {
                break;
            }
            if (node.id >= 0) {
                covered |= end + 1 == single;
                offer(at, end + 1, best[at] + scores[node.id], node.id, best, start, id);
            }
        }
        if (!covered) {
            offer(at, single, best[at] + unknownScore, unknown, best, start, id);
        }
    }

    private static void offer(int at, int end, double score, int token, double[] best, int[] start, int[] id) {
        if (start[end] < 0 || score > best[end]) {
            best[end] = score;
            start[end] = at;
            id[end] = token;
        }
    }

    private void write(String word, int[] start, int[] id, TokenBuffer out) {
        int[] ends = new int[word.length()];
        int count = 0;
        for (int end = word.length(); end > 0; end = start[end]) {
            ends[count++] = end;
        }
        for (int i = count - 1; i >= 0; ) {
            int from = start[ends[i]];
            int to = ends[i];
            int token = id[to];
            i--;
            // Neighbours without a token are one.
            while (token == unknown && i >= 0 && id[ends[i]] == unknown) {
                to = ends[i--];
            }
            if (token != unknown) {
                out.add(token);
                continue;
            }
            int[] bytes = fallback == null ? null : fallback.ids(word.substring(from, to));
            if (bytes != null) {
                out.add(bytes);
            } else if (unknown >= 0) {
                out.add(unknown);
            }
        }
    }
}

package dev.spandrel.engine.grammar;

import dev.spandrel.engine.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * The tokens of a vocabulary by their bytes, as a tree laid out in order of depth-first search: behind each node its
 * subtree, so that what cannot come is skipped in one step. Tokens without bytes (special ones) are not in it. Immutable.
 */
final class TokenTrie {
    private final int[] depths;
    private final byte[] bytes;
    /** Behind the subtree of a node. */
    private final int[] ends;
    /** First of a node's tokens in {@link #tokens}; the next node's is behind its last. */
    private final int[] firstTokens;

    private final int[] tokens;
    private final int maxDepth;
    private final int size;

    /** @param vocabSize tokens that the model scores */
    TokenTrie(Tokenizer tokenizer, int vocabSize) {
        byte[][] texts = new byte[vocabSize][];
        int room = 1;
        for (int id = 0; id < vocabSize; id++) {
            texts[id] = tokenizer.bytes(id);
            room += texts[id].length;
        }
        Comparator<Integer> order = (a, b) -> Arrays.compareUnsigned(texts[a], texts[b]);
        int[] sorted = IntStream.range(0, vocabSize)
                .filter(id -> texts[id].length > 0)
                .boxed()
                .sorted(order)
                .mapToInt(Integer::intValue)
                .toArray();
        int[] nodeDepths = new int[room];
        byte[] nodeBytes = new byte[room];
        int[] nodeEnds = new int[room];
        int[] nodeTokens = new int[room + 1];
        int[] path = new int
                [1 + Arrays.stream(texts).mapToInt(text -> text.length).max().orElse(0)];
        int nodes = 1;
        int depth = 0;
        byte[] last = {};
        for (int i = 0; i < sorted.length; i++) {
            byte[] text = texts[sorted[i]];
            int common = Arrays.mismatch(last, text);
            common = common < 0 ? text.length : common;
            for (; depth > common; depth--) {
                nodeEnds[path[depth]] = nodes;
            }
            for (; depth < text.length; nodes++) {
                nodeBytes[nodes] = text[depth];
                nodeDepths[nodes] = ++depth;
                path[depth] = nodes;
                nodeTokens[nodes] = i;
            }
            last = text;
        }
        for (; depth >= 0; depth--) {
            nodeEnds[path[depth]] = nodes;
        }
        nodeTokens[nodes] = sorted.length;
        size = nodes;
        depths = Arrays.copyOf(nodeDepths, nodes);
        bytes = Arrays.copyOf(nodeBytes, nodes);
        ends = Arrays.copyOf(nodeEnds, nodes);
        firstTokens = firstTokens(nodeTokens, texts, sorted);
        tokens = sorted;
        maxDepth = path.length - 1;
    }

    /** A node on the way to its first token has no token of its own, so it begins where the next one begins. */
    private int[] firstTokens(int[] nodeTokens, byte[][] texts, int[] sorted) {
        int[] first = new int[size + 1];
        first[size] = sorted.length;
        for (int node = size - 1; node > 0; node--) {
            int token = nodeTokens[node];
            boolean own = texts[sorted[token]].length == depths[node];
            first[node] = own ? token : first[node + 1];
        }
        first[0] = size > 1 ? first[1] : 0;
        return first;
    }

    /** Nodes, the root included, which is number 0. */
    int size() {
        return size;
    }

    /** Bytes of the longest token. */
    int maxDepth() {
        return maxDepth;
    }

    /** Bytes from the root to a node. */
    int depth(int node) {
        return depths[node];
    }

    /** The last byte of a node's text, 0 to 255. */
    int byteOf(int node) {
        return bytes[node] & 0xff;
    }

    /** The node behind a node's subtree. */
    int end(int node) {
        return ends[node];
    }

    /** First of the tokens with exactly a node's text. */
    int firstToken(int node) {
        return firstTokens[node];
    }

    /** Behind the last of them. */
    int lastToken(int node) {
        return firstTokens[node + 1];
    }

    /** A token by its place among all. */
    int token(int index) {
        return tokens[index];
    }

    /** The child of a node by its byte, or −1. */
    int child(int node, int b) {
        for (int child = node + 1; child < ends[node]; child = ends[child]) {
            if (byteOf(child) == b) {
                return child;
            }
        }
        return -1;
    }
}

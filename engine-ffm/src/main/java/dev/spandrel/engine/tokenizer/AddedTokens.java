package dev.spandrel.engine.tokenizer;

import java.util.HashMap;
import java.util.Map;
import java.util.function.UnaryOperator;

/** Finds added tokens in text: the leftmost, of those the longest. Immutable, so thread-safe. */
final class AddedTokens {
    /** Takes what {@link #split} finds, from left to right. */
    interface Sink {
        void text(String text);

        void token(int id);
    }

    private static final class Node {
        final Map<Character, Node> children = new HashMap<>();
        AddedToken token;
        int length;
        int id;
    }

    private final Node normalized = new Node();
    private final Node raw = new Node();
    private final UnaryOperator<String> normalizer;

    /**
     * @param tokens by id, none of them empty
     * @param normalizer what text, and with it normalized tokens, goes through once the raw ones are cut out
     */
    AddedTokens(Map<Integer, AddedToken> tokens, UnaryOperator<String> normalizer) {
        this.normalizer = normalizer;
        tokens.forEach((id, token) -> {
            Node node = token.normalized() ? normalized : raw;
            String content = token.normalized() ? normalizer.apply(token.content()) : token.content();
            for (char c : content.toCharArray()) {
                node = node.children.computeIfAbsent(c, key -> new Node());
            }
            node.token = token;
            node.length = content.length();
            node.id = id;
        });
    }

    /** Cuts text into tokens and what lies between them, first by the raw ones, then by the normalized ones. */
    void split(String text, Sink sink) {
        split(text, raw, new Sink() {
            @Override
            public void text(String piece) {
                split(normalizer.apply(piece), normalized, sink);
            }

            @Override
            public void token(int id) {
                sink.token(id);
            }
        });
    }

    private static void split(String text, Node root, Sink sink) {
        int from = 0;
        int to = text.length();
        int done = from;
        int at = from;
        while (at < to && !root.children.isEmpty()) {
            Node found = longest(text, at, to, root);
            if (found == null) {
                at++;
                continue;
            }
            int end = at + found.length;
            if (found.token.singleWord() && touchesWord(text, from, at, end, to)) {
                at = end;
                continue;
            }
            int start = found.token.lstrip() ? backOverSpace(text, at, done) : at;
            end = found.token.rstrip() ? overSpace(text, end, to) : end;
            if (start > done) {
                sink.text(text.substring(done, start));
            }
            sink.token(found.id);
            done = end;
            at = end;
        }
        if (done < to) {
            sink.text(text.substring(done, to));
        }
    }

    private static Node longest(String text, int from, int to, Node root) {
        Node longest = null;
        Node node = root;
        for (int i = from; i < to; i++) {
            node = node.children.get(text.charAt(i));
            if (node == null) {
                break;
            }
            longest = node.token == null ? longest : node;
        }
        return longest;
    }

    private static boolean touchesWord(String text, int from, int start, int end, int to) {
        return start > from && isWord(text.codePointBefore(start)) || end < to && isWord(text.codePointAt(end));
    }

    /** As {@code \w} of Unicode regular expressions (UTS 18, annex C). */
    private static boolean isWord(int codePoint) {
        int type = Character.getType(codePoint);
        return Character.isAlphabetic(codePoint)
                || Character.isDigit(codePoint)
                || type == Character.NON_SPACING_MARK
                || type == Character.ENCLOSING_MARK
                || type == Character.COMBINING_SPACING_MARK
                || type == Character.CONNECTOR_PUNCTUATION
                || codePoint == 0x200c
                || codePoint == 0x200d;
    }

    private static int backOverSpace(String text, int from, int least) {
        int at = from;
        while (at > least && Gpt2Splitter.isWhiteSpace(text.charAt(at - 1))) {
            at--;
        }
        return at;
    }

    private static int overSpace(String text, int from, int to) {
        int at = from;
        while (at < to && Gpt2Splitter.isWhiteSpace(text.charAt(at))) {
            at++;
        }
        return at;
    }
}

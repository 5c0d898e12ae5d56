package dev.spandrel.engine.tokenizer;

import dev.spandrel.engine.StopRules;
import java.util.List;
import java.util.Optional;

/**
 * Turns the tokens of one generation into text as they come: valid UTF-8, without special tokens, and without a stop
 * string or anything behind it. What may still become part of a character or of a stop string is held back, and no more.
 * The pieces together are the text of all tokens, cut where a stop string begins, however the text falls into tokens. Not
 * thread-safe; one per generation.
 *
 * <p>Of several stop strings the one that is complete first wins, of those complete at the same character the first in the
 * list. vLLM looks after each token, so a token that completes two of them at different characters may give it the other.
 */
public final class StreamingDecoder {
    private final Tokenizer tokenizer;
    private final List<String> stop;
    private final StopRules rules;
    private final boolean skipSpecialTokens;
    private final List<StopMatcher> matchers;
    private final Utf8Decoder utf8 = new Utf8Decoder();
    private final StringBuilder pending = new StringBuilder();
    private int scanned;
    private int tokens;
    private String stopReason;

    /** @param stop non-empty strings that end the text; may be empty */
    public StreamingDecoder(Tokenizer tokenizer, List<String> stop) {
        this(tokenizer, new StopRules(stop, List.of(), false, 0, false), true);
    }

    /**
     * @param rules strings that end the text, after how many tokens, and whether they belong to it
     * @param skipSpecialTokens whether special tokens are left out
     */
    public StreamingDecoder(Tokenizer tokenizer, StopRules rules, boolean skipSpecialTokens) {
        this.tokenizer = tokenizer;
        this.rules = rules;
        this.skipSpecialTokens = skipSpecialTokens;
        this.stop = rules.strings();
        matchers = this.stop.stream().map(StopMatcher::new).toList();
    }

    /**
     * Takes the next token.
     *
     * @return the text that has become certain, often empty; always empty after a stop string
     */
    public String append(int token) {
        if (stopReason != null) {
            return "";
        }
        utf8.append(skipSpecialTokens ? tokenizer.bytes(token) : tokenizer.textBytes(token), pending);
        if (++tokens <= rules.minTokens()) {
            // A stop string may not even begin here.
            scanned = pending.length();
        }
        return certain();
    }

    /**
     * Ends the text: half a character becomes U+FFFD, and what was held back is released unless a stop string came.
     *
     * @return the last piece, empty when nothing was held back or when called again
     */
    public String finish() {
        if (stopReason != null) {
            return "";
        }
        utf8.finish(pending);
        String text = certain();
        return stopReason != null ? text : text + take(pending.length());
    }

    /** The stop string that ended the text, if one did. */
    public Optional<String> stopReason() {
        return Optional.ofNullable(stopReason);
    }

    /** Scans what is new in {@code pending} and takes out of it what can no longer be part of a stop string. */
    private String certain() {
        while (scanned < pending.length() && stopReason == null) {
            int codePoint = pending.codePointAt(scanned);
            scanned += Character.charCount(codePoint);
            matchers.forEach(matcher -> matcher.append(codePoint));
            stopReason = complete();
        }
        return take(pending.offsetByCodePoints(scanned, -held()));
    }

    /** Code points before {@code scanned} that are, or may become, a stop string. */
    private int held() {
        if (stopReason != null) {
            return rules.includeInOutput() ? 0 : stopReason.codePointCount(0, stopReason.length());
        }
        int held = 0;
        for (StopMatcher matcher : matchers) {
            held = Math.max(held, matcher.matched());
        }
        return held;
    }

    private String complete() {
        for (int i = 0; i < matchers.size(); i++) {
            if (matchers.get(i).complete()) {
                return stop.get(i);
            }
        }
        return null;
    }

    private String take(int length) {
        String text = pending.substring(0, length);
        pending.delete(0, length);
        scanned -= length;
        return text;
    }
}

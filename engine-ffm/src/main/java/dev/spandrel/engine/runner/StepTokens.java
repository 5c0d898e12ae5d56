package dev.spandrel.engine.runner;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Tokens of a step, one request's behind another's; and requests that have none but are complete. Reused, the engine thread alone. */
final class StepTokens {
    private final List<LiveRequest> requests = new ArrayList<>();
    private final List<LiveRequest> pooled = new ArrayList<>();
    private int[] tokens = new int[16];
    private int[] counts = new int[16];
    private int size;

    void clear() {
        requests.clear();
        pooled.clear();
        size = 0;
    }

    /** The tokens that follow are this request's. */
    void begin(LiveRequest request) {
        counts = counts.length == requests.size() ? Arrays.copyOf(counts, 2 * counts.length) : counts;
        counts[requests.size()] = 0;
        requests.add(request);
    }

    /** One more of the request that came last. */
    void add(int token) {
        tokens = tokens.length == size ? Arrays.copyOf(tokens, 2 * tokens.length) : tokens;
        tokens[size++] = token;
        counts[requests.size() - 1]++;
    }

    /** The one token that a request has of the step. */
    void take(LiveRequest request, int token) {
        begin(request);
        add(token);
    }

    /** A request whose hidden states are complete. */
    void pooled(LiveRequest request) {
        pooled.add(request);
    }

    List<LiveRequest> pooled() {
        return pooled;
    }

    /** Requests with tokens, in the order of these. */
    List<LiveRequest> requests() {
        return requests;
    }

    /** Tokens of the {@code index}-th request. */
    int count(int index) {
        return counts[index];
    }

    /** The {@code index}-th token of all. */
    int token(int index) {
        return tokens[index];
    }

    /** Tokens of all requests. */
    int size() {
        return size;
    }
}

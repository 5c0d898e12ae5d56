package dev.spandrel.engine;

import java.util.List;

/**
 * How likely the model found one token at its place, and what it found likelier.
 *
 * @param chosen the token that stands there
 * @param top the likeliest, best first, as many as were asked for, and tokens asked for by id behind them
 */
public record TokenLogprobs(Entry chosen, List<Entry> top) {
    public TokenLogprobs {
        top = List.copyOf(top);
    }

    /**
     * One token.
     *
     * @param logprob natural logarithm, possibly −∞
     * @param rank 1 for the likeliest
     */
    public record Entry(int token, double logprob, int rank) {}
}

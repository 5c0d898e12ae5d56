package dev.spandrel.engine.backend;

/**
 * How a layer attends.
 *
 * @param scale factor on q·k, usually 1/√headDim
 * @param window how many positions a token sees, its own included; 0 = all (Beltagy et al., 2020, as Mistral has it)
 * @param softCap scaled scores become {@code softCap × tanh(score / softCap)} (Gemma 2); 0 = as they are
 */
public record AttentionRule(float scale, int window, float softCap) {
    public AttentionRule {
        if (window < 0 || !(softCap >= 0)) {
            throw new IllegalArgumentException(
                    "window " + window + ", soft cap " + softCap + ": expected none below 0");
        }
    }

    /** Causal attention over everything before. */
    public static AttentionRule causal(float scale) {
        return new AttentionRule(scale, 0, 0);
    }

    /** The first position that a token at {@code position} sees. */
    public int first(int position) {
        return window == 0 ? 0 : Math.max(0, position - window + 1);
    }
}

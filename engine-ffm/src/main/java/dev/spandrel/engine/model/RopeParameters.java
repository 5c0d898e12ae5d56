package dev.spandrel.engine.model;

import java.util.Set;

/**
 * Rotary position embedding as {@code config.json} describes it, in the new spelling ({@code rope_parameters}, theta
 * inside) or the old one ({@code rope_scaling} beside {@code rope_theta}).
 *
 * @param ropeType {@code default}, {@code linear}, {@code dynamic}, {@code llama3}, {@code yarn} or {@code longrope}
 * @param rotaryDim columns of a head that turn
 * @param maxPositions {@code max_position_embeddings}
 * @param originalMaxPositions context of the training before it was stretched
 * @param attentionFactor factor on cosines and sines
 */
record RopeParameters(
        String ropeType,
        double ropeTheta,
        int rotaryDim,
        int maxPositions,
        int originalMaxPositions,
        double factor,
        double attentionFactor,
        double lowFreqFactor,
        double highFreqFactor,
        double betaFast,
        double betaSlow,
        boolean truncate,
        double[] shortFactor,
        double[] longFactor) {

    private static final Set<String> TYPES = Set.of("default", "linear", "dynamic", "llama3", "yarn", "longrope");

    /** The embedding of all layers. */
    static RopeParameters from(ModelConfig config, int headDim) {
        ModelConfig rope =
                config.has("rope_parameters") ? config.child("rope_parameters") : config.child("rope_scaling");
        return from(config, rope, config.number("rope_theta", 10_000), headDim);
    }

    /** One that nothing stretches. */
    static RopeParameters plain(ModelConfig config, double theta, int headDim) {
        return from(config, config.child("no such key"), theta, headDim);
    }

    /**
     * @param rope the object with the parameters, may be empty
     * @param theta base where that object has none
     */
    static RopeParameters from(ModelConfig config, ModelConfig rope, double theta, int headDim) {
        String type = type(rope);
        int max = config.integer("max_position_embeddings", 1, 1 << 24);
        int original = rope.integer(
                "original_max_position_embeddings",
                1,
                1 << 24,
                config.integer("original_max_position_embeddings", 1, 1 << 24, max));
        double partial = rope.number("partial_rotary_factor", config.number("partial_rotary_factor", 1));
        int rotaryDim = (int) (headDim * partial);
        if (rotaryDim < 2 || rotaryDim > headDim || rotaryDim % 2 != 0) {
            config.problem("partial_rotary_factor " + partial + " of a head of " + headDim
                    + ": expected an even number of columns within the head, found " + rotaryDim);
        }
        double factor = rope.number("factor", (double) max / original);
        if (!(factor > 0) || !(theta > 0)) {
            config.problem("rope: expected factor and rope_theta above 0, found " + factor + " and " + theta);
        }
        return new RopeParameters(
                type,
                rope.number("rope_theta", theta),
                rotaryDim,
                max,
                original,
                factor,
                attentionFactor(type, rope, factor, original),
                rope.number("low_freq_factor", 1),
                rope.number("high_freq_factor", 4),
                rope.number("beta_fast", 32),
                rope.number("beta_slow", 1),
                rope.flag("truncate", true),
                factors(type, rope, "short_factor", rotaryDim / 2),
                factors(type, rope, "long_factor", rotaryDim / 2));
    }

    private static String type(ModelConfig rope) {
        String type = rope.text("rope_type", rope.text("type", "default"));
        // Phi-3's first name for it.
        type = type.equals("su") ? "longrope" : type;
        if (!TYPES.contains(type)) {
            rope.problem("rope_type: expected one of " + new java.util.TreeSet<>(TYPES) + ", found " + type);
        }
        return type;
    }

    private static double attentionFactor(String type, ModelConfig rope, double factor, int original) {
        if (rope.has("attention_factor") || !type.equals("yarn") && !type.equals("longrope")) {
            return rope.number("attention_factor", 1);
        }
        if (type.equals("longrope")) {
            return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
        }
        double mscale = rope.number("mscale", 0);
        double mscaleAllDim = rope.number("mscale_all_dim", 0);
        return mscale != 0 && mscaleAllDim != 0
                ? magnitude(factor, mscale) / magnitude(factor, mscaleAllDim)
                : magnitude(factor, 1);
    }

    private static double magnitude(double factor, double mscale) {
        return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
    }

    private static double[] factors(String type, ModelConfig rope, String key, int count) {
        return type.equals("longrope") ? rope.numbers(key, count) : new double[0];
    }

    /** Whether sequences may grow beyond {@code max_position_embeddings} by the factor (as vLLM reads such files). */
    int servedPositions() {
        boolean stretches = ropeType.equals("dynamic");
        return stretches ? (int) Math.min(maxPositions * factor, 1 << 24) : maxPositions;
    }
}

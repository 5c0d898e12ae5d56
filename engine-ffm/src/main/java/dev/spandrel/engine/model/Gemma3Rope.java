package dev.spandrel.engine.model;

import dev.spandrel.engine.backend.HeadLayout;

/**
 * Gemma 3 turns by two sets of angles: layers without a window by stretched ones, layers with a window by plain ones. Old
 * files name them {@code rope_theta} with {@code rope_scaling} and {@code rope_local_base_freq}, new ones keep two objects
 * in {@code rope_parameters}.
 */
final class Gemma3Rope {
    private static final double THETA = 1_000_000;
    private static final double LOCAL_THETA = 10_000;

    private Gemma3Rope() {}

    static RopeParameters global(ModelConfig config, HeadLayout heads) {
        ModelConfig rope = config.has("rope_parameters")
                ? config.child("rope_parameters").child("full_attention")
                : config.child("rope_scaling");
        return RopeParameters.from(config, rope, config.number("rope_theta", THETA), heads.headDim());
    }

    static RopeParameters local(ModelConfig config, HeadLayout heads) {
        double theta = config.number("rope_local_base_freq", LOCAL_THETA);
        ModelConfig rope = config.child("rope_parameters").child("sliding_attention");
        return RopeParameters.from(config, rope, theta, heads.headDim());
    }
}

package dev.spandrel.engine.model;

import dev.spandrel.engine.backend.Activation;

/**
 * Configuration of GPT-2 (Radford et al., 2019), by the names of {@code config.json}.
 *
 * @param nInner width of the feed-forward layer; four times {@code nEmbd} where the file does not say
 * @param scaleAttnWeights whether q·k is divided by √headDim
 * @param scaleAttnByInverseLayerIdx whether it is divided by the layer's number too
 */
record Gpt2Config(
        int vocabSize,
        int nEmbd,
        int nLayer,
        int nHead,
        int nInner,
        int nPositions,
        Activation activationFunction,
        float layerNormEpsilon,
        boolean scaleAttnWeights,
        boolean scaleAttnByInverseLayerIdx,
        boolean tieWordEmbeddings) {

    /** Reads and checks; throws with all problems. */
    static Gpt2Config from(ModelConfig config) {
        int width = config.integer("n_embd", 1, 1 << 20);
        int heads = config.integer("n_head", 1, 1 << 12);
        if (width % heads != 0) {
            config.problem("n_head " + heads + " must divide n_embd " + width);
        }
        if (config.flag("add_cross_attention", false)) {
            config.problem("add_cross_attention: expected false, found true");
        }
        Gpt2Config gpt2 = new Gpt2Config(
                config.integer("vocab_size", 1, 1 << 24),
                width,
                config.integer("n_layer", 1, 1 << 10),
                heads,
                config.integer("n_inner", 1, 1 << 22, 4 * width),
                config.integer("n_positions", 1, 1 << 24),
                Activations.of(config, "activation_function", "gelu_new"),
                (float) config.number("layer_norm_epsilon", 1e-5),
                config.flag("scale_attn_weights", true),
                config.flag("scale_attn_by_inverse_layer_idx", false),
                config.flag("tie_word_embeddings", true));
        config.check();
        return gpt2;
    }
}

package dev.spandrel.engine.model;

import dev.spandrel.engine.backend.Activation;

/**
 * Configuration of the OPT family (Zhang et al., 2022), by the names of {@code config.json}.
 *
 * @param vocabSize rows of the token embedding
 * @param hiddenSize width of the residual stream
 * @param wordEmbedProjDim width of the token embedding; where it differs, projections lead in and out (350m)
 * @param ffnDim width of the feed-forward layer
 * @param numHiddenLayers decoder layers
 * @param numAttentionHeads heads of equal width
 * @param maxPositionEmbeddings longest sequence
 * @param doLayerNormBefore pre-LN (all but 350m) or post-LN
 * @param finalLayerNorm whether a norm follows the last layer: only with pre-LN, and unless the checkpoint removed it
 * @param enableBias whether linear layers have biases
 * @param layerNormElementwiseAffine whether norms have weights
 * @param tieWordEmbeddings whether the head is the token embedding
 * @param activationFunction between the two feed-forward layers; ReLU in every published size
 */
public record OptConfig(
        int vocabSize,
        int hiddenSize,
        int wordEmbedProjDim,
        int ffnDim,
        int numHiddenLayers,
        int numAttentionHeads,
        int maxPositionEmbeddings,
        boolean doLayerNormBefore,
        boolean finalLayerNorm,
        boolean enableBias,
        boolean layerNormElementwiseAffine,
        boolean tieWordEmbeddings,
        Activation activationFunction) {

    /** The position table starts with two unused rows, a heritage of fairseq's padding. */
    static final int POSITION_OFFSET = 2;

    /** torch.nn.LayerNorm's default; OPT's configuration has no field for it. */
    static final float LAYER_NORM_EPSILON = 1e-5f;

    /** Reads and checks; problems are told by {@link ModelConfig#check}. */
    static OptConfig from(ModelConfig config) {
        int hidden = config.integer("hidden_size", 1, 1 << 20);
        int heads = config.integer("num_attention_heads", 1, 1 << 12);
        boolean before = config.flag("do_layer_norm_before", true);
        OptConfig opt = new OptConfig(
                config.integer("vocab_size", 1, 1 << 24),
                hidden,
                config.integer("word_embed_proj_dim", 1, 1 << 20, hidden),
                config.integer("ffn_dim", 1, 1 << 22),
                config.integer("num_hidden_layers", 1, 1 << 10),
                heads,
                config.integer("max_position_embeddings", 1, 1 << 24),
                before,
                before && !config.flag("_remove_final_layer_norm", false),
                config.flag("enable_bias", true),
                config.flag("layer_norm_elementwise_affine", true),
                config.flag("tie_word_embeddings", true),
                Activations.of(config, "activation_function", "relu"));
        if (hidden % heads != 0) {
            config.problem("num_attention_heads " + heads + " must divide hidden_size " + hidden);
        }
        config.check();
        return opt;
    }

    int headDim() {
        return hiddenSize / numAttentionHeads;
    }
}

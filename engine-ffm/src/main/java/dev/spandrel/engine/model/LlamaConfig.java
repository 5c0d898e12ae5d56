package dev.spandrel.engine.model;

import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.HeadLayout;
import java.util.List;

/**
 * Configuration of the architectures that descend from Llama, by the names of {@code config.json}; what a file leaves out
 * has the value that transformers gives it.
 *
 * @param heads heads of every layer
 * @param maxPositions longest sequence that can be served
 * @param qkvBias whether projections of queries, keys and values have biases
 * @param outputBias whether attention's output projection has one
 * @param attentionScale factor on q·k
 * @param attnLogitSoftcapping cap of attention scores, 0 = none
 * @param finalLogitSoftcapping cap of logits, 0 = none
 * @param embedScale factor on embeddings
 * @param rope angles of layers that know positions
 * @param localRope angles of layers with a window where they differ, else null
 * @param layers one entry per layer
 */
record LlamaConfig(
        LlamaFamily family,
        int vocabSize,
        int hiddenSize,
        int intermediateSize,
        HeadLayout heads,
        int maxPositions,
        float rmsNormEps,
        Activation hiddenAct,
        boolean qkvBias,
        boolean outputBias,
        boolean mlpBias,
        boolean tieWordEmbeddings,
        float attentionScale,
        float attnLogitSoftcapping,
        float finalLogitSoftcapping,
        float embedScale,
        RopeParameters rope,
        RopeParameters localRope,
        List<LayerKind> layers) {

    /**
     * One layer.
     *
     * @param window positions a token sees, 0 = all
     * @param knowsPositions whether queries and keys turn
     */
    record LayerKind(int window, boolean knowsPositions) {}

    /** Reads and checks; throws with all problems. */
    static LlamaConfig from(LlamaFamily family, ModelConfig outer) {
        ModelConfig config = outer.has("text_config") ? outer.child("text_config") : outer;
        boolean gemma = family.isGemma();
        boolean gemma3 = family == LlamaFamily.GEMMA3;
        int hidden = config.integer("hidden_size", 1, 1 << 20);
        HeadLayout heads = heads(config, hidden, gemma3);
        boolean attentionBias = config.flag("attention_bias", false);
        boolean laterEps = family == LlamaFamily.OLMO2 || family == LlamaFamily.PHI3;
        RopeParameters rope = gemma3 ? Gemma3Rope.global(config, heads) : RopeParameters.from(config, heads.headDim());
        double scalar = gemma ? config.number("query_pre_attn_scalar", 256) : heads.headDim();
        LlamaConfig llama = new LlamaConfig(
                family,
                gemma3 ? config.integer("vocab_size", 1, 1 << 24, 262_208) : config.integer("vocab_size", 1, 1 << 24),
                hidden,
                config.integer("intermediate_size", 1, 1 << 22),
                heads,
                rope.servedPositions(),
                (float) config.number("rms_norm_eps", laterEps ? 1e-5 : 1e-6),
                gemma
                        ? Activations.of(config, "hidden_activation", "gelu_pytorch_tanh")
                        : Activations.of(config, "hidden_act", "silu"),
                attentionBias || family == LlamaFamily.QWEN2,
                attentionBias && family != LlamaFamily.QWEN2,
                config.flag("mlp_bias", false),
                config.flag("tie_word_embeddings", gemma || family == LlamaFamily.SMOLLM3),
                (float) (1 / Math.sqrt(scalar)),
                (float) config.number("attn_logit_softcapping", absent(config, family, "attn_logit_softcapping", 50)),
                (float) config.number("final_logit_softcapping", absent(config, family, "final_logit_softcapping", 30)),
                gemma ? (float) Math.sqrt(hidden) : 1,
                rope,
                gemma3 ? Gemma3Rope.local(config, heads) : null,
                LlamaLayers.read(family, config));
        outer.check();
        return llama;
    }

    /** Gemma 2's caps hold where the file does not name them; a null switches them off. */
    private static double absent(ModelConfig config, LlamaFamily family, String key, double cap) {
        return family == LlamaFamily.GEMMA2 && !config.names(key) ? cap : 0;
    }

    private static HeadLayout heads(ModelConfig config, int hidden, boolean gemma3) {
        int heads = gemma3
                ? config.integer("num_attention_heads", 1, 1 << 12, 8)
                : config.integer("num_attention_heads", 1, 1 << 12);
        int kvHeads = config.integer("num_key_value_heads", 1, 1 << 12, gemma3 ? 4 : heads);
        int headDim = config.integer("head_dim", 1, 1 << 12, gemma3 ? 256 : Math.max(1, hidden / heads));
        if (heads % kvHeads != 0) {
            config.problem("num_key_value_heads " + kvHeads + " must divide num_attention_heads " + heads);
            kvHeads = heads;
        }
        if (!config.has("head_dim") && !gemma3 && hidden % heads != 0) {
            config.problem("num_attention_heads " + heads + " must divide hidden_size " + hidden);
        }
        return new HeadLayout(heads, kvHeads, headDim);
    }
}

package dev.spandrel.engine.model;

/**
 * What the architectures that descend from Llama do differently, beyond what their {@code config.json} says. Names of norms
 * are those of the checkpoints; null = there is none at that place.
 */
enum LlamaFamily {
    /** Llama 2 to 3.3 (Touvron et al., 2023), and whoever trained in its shape. */
    LLAMA(Norms.BEFORE, QkNorm.NONE),
    /** Mistral 7B (Jiang et al., 2023): a sliding window in every layer. */
    MISTRAL(Norms.BEFORE, QkNorm.NONE),
    /** Qwen 2 and 2.5: biases on queries, keys and values. */
    QWEN2(Norms.BEFORE, QkNorm.NONE),
    /** Qwen 3: each head of queries and keys is normalised. */
    QWEN3(Norms.BEFORE, QkNorm.EACH_HEAD),
    /** SmolLM 3: some layers know no positions. */
    SMOLLM3(Norms.BEFORE, QkNorm.NONE),
    /** OLMo 2 (OLMo team, 2024): norms behind attention and feed-forward, queries and keys normalised across heads. */
    OLMO2(Norms.AFTER, QkNorm.ALL_HEADS),
    /** Phi-3: fused projections. */
    PHI3(Norms.BEFORE, QkNorm.NONE),
    /** Gemma 2 (Gemma team, 2024): norms on both sides, capped logits, every other layer with a window. */
    GEMMA2(Norms.AROUND, QkNorm.NONE),
    /** Gemma 3, text: five layers with a window and angles of their own, then one without. */
    GEMMA3(Norms.AROUND, QkNorm.EACH_HEAD);

    /** Which tensors normalise what. */
    record Norms(String beforeAttention, String afterAttention, String beforeMlp, String afterMlp) {
        static final Norms BEFORE = new Norms("input_layernorm", null, "post_attention_layernorm", null);
        static final Norms AFTER = new Norms(null, "post_attention_layernorm", null, "post_feedforward_layernorm");
        static final Norms AROUND = new Norms(
                "input_layernorm",
                "post_attention_layernorm",
                "pre_feedforward_layernorm",
                "post_feedforward_layernorm");
    }

    /** How queries and keys are normalised. */
    enum QkNorm {
        NONE,
        EACH_HEAD,
        ALL_HEADS
    }

    private final Norms norms;
    private final QkNorm qkNorm;

    LlamaFamily(Norms norms, QkNorm qkNorm) {
        this.norms = norms;
        this.qkNorm = qkNorm;
    }

    Norms norms() {
        return norms;
    }

    QkNorm qkNorm() {
        return qkNorm;
    }

    /** Whether norms multiply by 1 + w, embeddings by √hiddenSize. */
    boolean isGemma() {
        return this == GEMMA2 || this == GEMMA3;
    }
}

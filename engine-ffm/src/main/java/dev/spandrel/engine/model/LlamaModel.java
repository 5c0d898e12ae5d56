package dev.spandrel.engine.model;

import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.AttentionRule;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.KvLayer;
import dev.spandrel.engine.backend.Norm;
import dev.spandrel.engine.backend.Weight;
import dev.spandrel.engine.checkpoint.Checkpoint;
import dev.spandrel.engine.model.LlamaConfig.LayerKind;
import dev.spandrel.engine.tensor.Buffer;

/**
 * Llama (Touvron et al., 2023) and its descendants: rotary positions, RMS norms, grouped queries, gated feed-forward. What
 * a family leaves out is null here and skipped; {@link LlamaFamily} says who has what.
 */
public final class LlamaModel implements Model {
    private final LlamaConfig config;
    private final Backend backend;
    private final LlamaWeights weights;
    private final RotaryEmbedding rope;
    private final RotaryEmbedding localRope;
    /** Layer by layer, made once: a step allocates nothing. */
    private final AttentionRule[] rules;

    private final Norm[] beforeAttention;
    private final Norm[] beforeMlp;
    private final Norm finalNorm;

    private final float[] angles;
    private final float[] localAngles;
    private final Buffer hidden;
    private final Buffer normed;
    private final Buffer qkv;
    private final Buffer attended;
    private final Buffer projected;
    private final Buffer gateUp;
    private final Buffer inner;
    private final Buffer lastRows;
    private final Buffer logits;

    private LlamaModel(LlamaConfig config, Backend backend, LlamaWeights weights, StepLimits limits) {
        this.config = config;
        this.backend = backend;
        this.weights = weights;
        rope = new RotaryEmbedding(config.rope(), limits.maxModelLen());
        localRope = config.localRope() == null ? null : new RotaryEmbedding(config.localRope(), limits.maxModelLen());

        rules = config.layers().stream()
                .map(kind -> new AttentionRule(config.attentionScale(), kind.window(), config.attnLogitSoftcapping()))
                .toArray(AttentionRule[]::new);
        beforeAttention = weights.layers().stream()
                .map(layer -> norm(layer.beforeAttention()))
                .toArray(Norm[]::new);
        beforeMlp =
                weights.layers().stream().map(layer -> norm(layer.beforeMlp())).toArray(Norm[]::new);
        finalNorm = norm(weights.norm());

        long tokens = limits.maxTokens();
        angles = new float[limits.maxTokens() * rope.rotaryDim()];
        localAngles = localRope == null ? null : new float[limits.maxTokens() * localRope.rotaryDim()];
        hidden = backend.allocate(tokens * config.hiddenSize());
        normed = backend.allocate(tokens * config.hiddenSize());
        qkv = backend.allocate(tokens * config.heads().columns());
        attended = backend.allocate(tokens * config.heads().queryColumns());
        projected = backend.allocate(tokens * config.hiddenSize());
        gateUp = backend.allocate(tokens * 2 * config.intermediateSize());
        inner = backend.allocate(tokens * config.intermediateSize());
        lastRows = backend.allocate((long) limits.maxLogitRows() * config.hiddenSize());
        logits = backend.allocate((long) limits.maxLogitRows() * config.vocabSize());
    }

    /**
     * Checks the checkpoint against the configuration and uploads it.
     *
     * @throws dev.spandrel.engine.EngineException.ModelLoad with every mismatch
     */
    static LlamaModel load(
            LlamaFamily family, ModelConfig modelConfig, Checkpoint checkpoint, Backend backend, StepLimits limits) {
        LlamaConfig config = LlamaConfig.from(family, modelConfig);
        WeightCatalog catalog = new WeightCatalog(modelConfig.folder().toString(), checkpoint);
        return new LlamaModel(config, backend, LlamaWeights.upload(config, catalog, backend), limits);
    }

    @Override
    public Buffer forward(ForwardInput input, KvCache cache) {
        AttentionMetadata metadata = input.metadata();
        int tokens = metadata.tokenCount();
        int width = config.hiddenSize();
        long elements = (long) tokens * width;

        // token embedding; positions come as angles
        backend.embed(weights.embedTokens(), input.tokenIds(), tokens, false, hidden);
        if (config.embedScale() != 1) {
            backend.scale(hidden, elements, config.embedScale());
        }
        rope.angles(metadata.positions(), tokens, angles);
        if (localRope != null) {
            localRope.angles(metadata.positions(), tokens, localAngles);
        }

        for (int i = 0; i < weights.layers().size(); i++) {
            LlamaWeights.Layer layer = weights.layers().get(i);
            // self-attention around the residual
            backend.normMatmul(
                    hidden, tokens, beforeAttention[i], layer.qkv(), layer.qkvBias(), Activation.NONE, normed, qkv);
            attend(metadata, layer, config.layers().get(i), rules[i], cache.layer(i));
            addProjected(attended, tokens, layer.output(), layer.outputBias(), layer.afterAttention());
            // gated feed-forward around the residual
            backend.normMatmulGate(
                    hidden,
                    tokens,
                    beforeMlp[i],
                    layer.gateUp(),
                    layer.gateUpBias(),
                    config.hiddenAct(),
                    normed,
                    gateUp,
                    inner);
            addProjected(inner, tokens, layer.down(), layer.downBias(), layer.afterMlp());
        }

        // final norm and head, only for the rows that need logits
        int rows = input.logitRowCount();
        backend.gatherRows(hidden, input.logitRows(), rows, width, lastRows);
        backend.normMatmul(lastRows, rows, finalNorm, weights.lmHead(), null, Activation.NONE, lastRows, logits);
        if (config.finalLogitSoftcapping() != 0) {
            backend.softCap(logits, (long) rows * config.vocabSize(), config.finalLogitSoftcapping());
        }
        return logits;
    }

    /** The norm of a weight, where the family has one there. */
    private Norm norm(Weight weight) {
        return weight == null ? null : Norm.rms(weight, config.rmsNormEps());
    }

    /** Adds a projection to the residual; some families normalise it before. */
    private void addProjected(Buffer in, int tokens, Weight weight, Weight bias, Weight after) {
        if (after == null) {
            backend.matmulAdd(in, tokens, weight, bias, projected, hidden);
            return;
        }
        int width = config.hiddenSize();
        backend.matmul(in, tokens, weight, bias, Activation.NONE, projected);
        backend.rmsNorm(projected, tokens, width, after, config.rmsNormEps(), projected);
        backend.add(projected, (long) tokens * width, hidden);
    }

    private void attend(
            AttentionMetadata metadata, LlamaWeights.Layer layer, LayerKind kind, AttentionRule rule, KvLayer kv) {
        int tokens = metadata.tokenCount();
        if (layer.queryNorm() != null) {
            backend.normHeads(qkv, tokens, config.heads(), layer.queryNorm(), layer.keyNorm(), config.rmsNormEps());
        }
        boolean local = localRope != null && kind.window() != 0;
        int rotaryDim = kind.knowsPositions() ? rope.rotaryDim() : 0;
        float[] turn = local ? localAngles : angles;
        backend.attend(qkv, config.heads(), metadata, rotaryDim, rotaryDim == 0 ? null : turn, kv, rule, attended);
    }

    @Override
    public Buffer lastHidden() {
        return lastRows;
    }

    @Override
    public int hiddenSize() {
        return config.hiddenSize();
    }

    @Override
    public int vocabSize() {
        return config.vocabSize();
    }

    @Override
    public int layers() {
        return config.layers().size();
    }

    @Override
    public int maxPositions() {
        return config.maxPositions();
    }

    @Override
    public HeadLayout heads() {
        return config.heads();
    }

    @Override
    public long parameters() {
        return weights.parameters();
    }
}

package dev.spandrel.engine.model;

import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.AttentionRule;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.Norm;
import dev.spandrel.engine.backend.Weight;
import dev.spandrel.engine.checkpoint.Checkpoint;
import dev.spandrel.engine.tensor.Buffer;
import dev.spandrel.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * GPT-2 (Radford et al., 2019): learned positions, pre-LN, biases everywhere. Its checkpoints store linear layers as
 * inputs × outputs, so they are transposed while loading; names come with or without the leading {@code transformer.}.
 */
public final class Gpt2Model implements Model {
    private record Layer(
            Weight ln1,
            Weight ln1Bias,
            Weight cAttn,
            Weight cAttnBias,
            Weight attnCProj,
            Weight attnCProjBias,
            Weight ln2,
            Weight ln2Bias,
            Weight cFc,
            Weight cFcBias,
            Weight mlpCProj,
            Weight mlpCProjBias) {}

    private final Gpt2Config config;
    private final Backend backend;
    private final HeadLayout heads;
    private final long parameters;

    private final Weight wte;
    private final Weight wpe;
    private final Weight lnF;
    private final Weight lnFBias;
    private final Weight lmHead;
    private final List<Layer> layers = new ArrayList<>();

    private final Buffer hidden;
    private final Buffer normed;
    private final Buffer qkv;
    private final Buffer attended;
    private final Buffer projected;
    private final Buffer inner;
    private final Buffer lastRows;
    private final Buffer logits;

    private Gpt2Model(Gpt2Config config, Backend backend, WeightCatalog weights, String prefix, StepLimits limits) {
        this.config = config;
        this.backend = backend;
        heads = new HeadLayout(config.nHead(), config.nHead(), config.nEmbd() / config.nHead());
        parameters = weights.parameters();

        Tensor tokens = weights.take(prefix + "wte.weight");
        wte = config.tieWordEmbeddings() ? backend.upload(tokens) : backend.uploadTable(tokens);
        wpe = backend.uploadTable(weights.take(prefix + "wpe.weight"));
        lnF = backend.upload(weights.take(prefix + "ln_f.weight"));
        lnFBias = backend.upload(weights.take(prefix + "ln_f.bias"));
        lmHead = config.tieWordEmbeddings() ? wte : backend.upload(weights.take("lm_head.weight"));
        for (int i = 0; i < config.nLayer(); i++) {
            layers.add(upload(weights, prefix + "h." + i + "."));
        }

        long width = (long) limits.maxTokens() * config.nEmbd();
        hidden = backend.allocate(width);
        normed = backend.allocate(width);
        qkv = backend.allocate(3 * width);
        attended = backend.allocate(width);
        projected = backend.allocate(width);
        inner = backend.allocate((long) limits.maxTokens() * config.nInner());
        lastRows = backend.allocate((long) limits.maxLogitRows() * config.nEmbd());
        logits = backend.allocate((long) limits.maxLogitRows() * config.vocabSize());
    }

    /**
     * Checks the checkpoint against the configuration and uploads it.
     *
     * @throws dev.spandrel.engine.EngineException.ModelLoad with every mismatch
     */
    static Gpt2Model load(ModelConfig modelConfig, Checkpoint checkpoint, Backend backend, StepLimits limits) {
        Gpt2Config config = Gpt2Config.from(modelConfig);
        WeightCatalog weights = new WeightCatalog(modelConfig.folder().toString(), checkpoint);
        String prefix = weights.has("wte.weight") ? "" : "transformer.";
        expectAll(config, weights, prefix);
        weights.check(Set.of("lm_head.weight"));
        weights.checkMemory(backend);
        return new Gpt2Model(config, backend, weights, prefix, limits);
    }

    @Override
    public Buffer forward(ForwardInput input, KvCache cache) {
        AttentionMetadata metadata = input.metadata();
        int tokens = metadata.tokenCount();

        // token and position embedding
        backend.embed(wte, input.tokenIds(), tokens, false, hidden);
        backend.embed(wpe, metadata.positions(), tokens, true, hidden);

        for (int i = 0; i < layers.size(); i++) {
            Layer layer = layers.get(i);
            // self-attention around the residual
            Norm ln1 = Norm.layer(layer.ln1, layer.ln1Bias, config.layerNormEpsilon());
            backend.normMatmul(hidden, tokens, ln1, layer.cAttn, layer.cAttnBias, Activation.NONE, normed, qkv);
            backend.attend(qkv, heads, metadata, 0, null, cache.layer(i), rule(i), attended);
            backend.matmulAdd(attended, tokens, layer.attnCProj, layer.attnCProjBias, projected, hidden);
            // feed-forward around the residual
            Norm ln2 = Norm.layer(layer.ln2, layer.ln2Bias, config.layerNormEpsilon());
            Activation activation = config.activationFunction();
            backend.normMatmul(hidden, tokens, ln2, layer.cFc, layer.cFcBias, activation, normed, inner);
            backend.matmulAdd(inner, tokens, layer.mlpCProj, layer.mlpCProjBias, projected, hidden);
        }

        // final norm and head, only for the rows that need logits
        int rows = input.logitRowCount();
        backend.gatherRows(hidden, input.logitRows(), rows, config.nEmbd(), lastRows);
        Norm last = Norm.layer(lnF, lnFBias, config.layerNormEpsilon());
        backend.normMatmul(lastRows, rows, last, lmHead, null, Activation.NONE, lastRows, logits);
        return logits;
    }

    private AttentionRule rule(int layer) {
        double scale = config.scaleAttnWeights() ? 1 / Math.sqrt(heads.headDim()) : 1;
        return AttentionRule.causal((float) (config.scaleAttnByInverseLayerIdx() ? scale / (layer + 1) : scale));
    }

    private Layer upload(WeightCatalog weights, String layer) {
        return new Layer(
                backend.upload(weights.take(layer + "ln_1.weight")),
                backend.upload(weights.take(layer + "ln_1.bias")),
                linear(weights, layer + "attn.c_attn.weight"),
                backend.upload(weights.take(layer + "attn.c_attn.bias")),
                linear(weights, layer + "attn.c_proj.weight"),
                backend.upload(weights.take(layer + "attn.c_proj.bias")),
                backend.upload(weights.take(layer + "ln_2.weight")),
                backend.upload(weights.take(layer + "ln_2.bias")),
                linear(weights, layer + "mlp.c_fc.weight"),
                backend.upload(weights.take(layer + "mlp.c_fc.bias")),
                linear(weights, layer + "mlp.c_proj.weight"),
                backend.upload(weights.take(layer + "mlp.c_proj.bias")));
    }

    private Weight linear(WeightCatalog weights, String name) {
        Tensor weight = weights.take(name);
        return backend.upload(weights.isGguf() ? weight : HostTensors.transposed(weight));
    }

    private static void expectAll(Gpt2Config c, WeightCatalog weights, String prefix) {
        weights.expect(prefix + "wte.weight", c.vocabSize(), c.nEmbd());
        weights.expect(prefix + "wpe.weight", c.nPositions(), c.nEmbd());
        expectBiased(weights, prefix + "ln_f", c.nEmbd(), c.nEmbd());
        if (!c.tieWordEmbeddings()) {
            weights.expect("lm_head.weight", c.vocabSize(), c.nEmbd());
        }
        for (int i = 0; i < c.nLayer(); i++) {
            String layer = prefix + "h." + i + ".";
            expectBiased(weights, layer + "ln_1", c.nEmbd(), c.nEmbd());
            expectLinear(weights, layer + "attn.c_attn", c.nEmbd(), 3 * c.nEmbd());
            expectLinear(weights, layer + "attn.c_proj", c.nEmbd(), c.nEmbd());
            expectBiased(weights, layer + "ln_2", c.nEmbd(), c.nEmbd());
            expectLinear(weights, layer + "mlp.c_fc", c.nEmbd(), c.nInner());
            expectLinear(weights, layer + "mlp.c_proj", c.nInner(), c.nEmbd());
        }
    }

    private static void expectLinear(WeightCatalog weights, String name, int in, int out) {
        if (weights.isGguf()) {
            expectBiased(weights, name, out, out, in);
        } else {
            expectBiased(weights, name, out, in, out);
        }
    }

    private static void expectBiased(WeightCatalog weights, String name, int bias, long... shape) {
        weights.expect(name + ".weight", shape);
        weights.expect(name + ".bias", bias);
    }

    @Override
    public Buffer lastHidden() {
        return lastRows;
    }

    @Override
    public int hiddenSize() {
        return config.nEmbd();
    }

    @Override
    public int vocabSize() {
        return config.vocabSize();
    }

    @Override
    public int layers() {
        return config.nLayer();
    }

    @Override
    public int maxPositions() {
        return config.nPositions();
    }

    @Override
    public HeadLayout heads() {
        return heads;
    }

    @Override
    public long parameters() {
        return parameters;
    }
}

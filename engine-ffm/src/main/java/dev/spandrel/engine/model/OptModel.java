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
 * OPT (Zhang et al., 2022, "OPT: Open Pre-trained Transformer Language Models"): learned positions, ReLU, pre-LN, and for
 * 350m post-LN with a narrower embedding. Tensor names are those of Hugging Face checkpoints, with or without the leading
 * {@code model.}.
 */
public final class OptModel implements Model {
    private record Layer(
            Weight selfAttnLayerNorm,
            Weight selfAttnLayerNormBias,
            Weight qkv,
            Weight qkvBias,
            Weight outProj,
            Weight outProjBias,
            Weight finalLayerNorm,
            Weight finalLayerNormBias,
            Weight fc1,
            Weight fc1Bias,
            Weight fc2,
            Weight fc2Bias) {}

    private final OptConfig config;
    private final Backend backend;
    private final HeadLayout heads;
    private final AttentionRule rule;
    private final long parameters;

    private final Weight embedTokens;
    private final Weight embedPositions;
    private final Weight projectIn;
    private final Weight projectOut;
    private final Weight finalLayerNorm;
    private final Weight finalLayerNormBias;
    private final Weight lmHead;
    private final List<Layer> layers = new ArrayList<>();

    private final int[] positionRows;
    private final Buffer narrow;
    private final Buffer hidden;
    private final Buffer normed;
    private final Buffer qkv;
    private final Buffer attended;
    private final Buffer projected;
    private final Buffer inner;
    private final Buffer lastRows;
    private final Buffer logits;

    /** @param names tensor names with their prefix resolved, all of them checked */
    private OptModel(OptConfig config, Backend backend, WeightCatalog weights, Names names, StepLimits limits) {
        int maxTokens = limits.maxTokens();
        int maxLogitRows = limits.maxLogitRows();
        this.config = config;
        this.backend = backend;
        this.heads = new HeadLayout(config.numAttentionHeads(), config.numAttentionHeads(), config.headDim());
        this.rule = AttentionRule.causal((float) (1 / Math.sqrt(heads.headDim())));
        this.parameters = weights.parameters();

        Tensor tokens = weights.take(names.decoder("embed_tokens.weight"));
        embedTokens = config.tieWordEmbeddings() ? backend.upload(tokens) : backend.uploadTable(tokens);
        embedPositions = backend.uploadTable(weights.take(names.decoder("embed_positions.weight")));
        boolean projects = config.wordEmbedProjDim() != config.hiddenSize();
        projectIn = projects ? backend.upload(weights.take(names.decoder("project_in.weight"))) : null;
        projectOut = projects ? backend.upload(weights.take(names.decoder("project_out.weight"))) : null;
        boolean finalNorm = config.finalLayerNorm() && config.layerNormElementwiseAffine();
        finalLayerNorm = finalNorm ? backend.upload(weights.take(names.decoder("final_layer_norm.weight"))) : null;
        finalLayerNormBias = finalNorm ? backend.upload(weights.take(names.decoder("final_layer_norm.bias"))) : null;
        lmHead = config.tieWordEmbeddings() ? embedTokens : backend.upload(weights.take(names.head()));
        for (int i = 0; i < config.numHiddenLayers(); i++) {
            layers.add(uploadLayer(weights, names, i));
        }

        long width = (long) maxTokens * config.hiddenSize();
        positionRows = new int[maxTokens];
        narrow = projects ? backend.allocate((long) maxTokens * config.wordEmbedProjDim()) : null;
        hidden = backend.allocate(width);
        normed = backend.allocate(width);
        qkv = backend.allocate((long) maxTokens * heads.columns());
        attended = backend.allocate(width);
        projected = backend.allocate(width);
        inner = backend.allocate((long) maxTokens * config.ffnDim());
        lastRows = backend.allocate((long) maxLogitRows * Math.max(config.hiddenSize(), config.wordEmbedProjDim()));
        logits = backend.allocate((long) maxLogitRows * config.vocabSize());
    }

    /**
     * Checks the checkpoint against the configuration and uploads it.
     *
     * @throws dev.spandrel.engine.EngineException.ModelLoad with every mismatch
     */
    static OptModel load(ModelConfig modelConfig, Checkpoint checkpoint, Backend backend, StepLimits limits) {
        OptConfig config = OptConfig.from(modelConfig);
        WeightCatalog weights = new WeightCatalog(modelConfig.folder().toString(), checkpoint);
        Names names = Names.of(weights);
        expectAll(config, weights, names);
        weights.check(Set.of("lm_head.weight"));
        weights.checkMemory(backend);
        return new OptModel(config, backend, weights, names, limits);
    }

    @Override
    public Buffer forward(ForwardInput input, KvCache cache) {
        AttentionMetadata metadata = input.metadata();
        int tokens = metadata.tokenCount();
        int width = config.hiddenSize();

        // token and position embedding
        for (int t = 0; t < tokens; t++) {
            positionRows[t] = metadata.position(t) + OptConfig.POSITION_OFFSET;
        }
        if (projectIn == null) {
            backend.embed(embedTokens, input.tokenIds(), tokens, false, hidden);
        } else {
            backend.embed(embedTokens, input.tokenIds(), tokens, false, narrow);
            backend.matmul(narrow, tokens, projectIn, null, Activation.NONE, hidden);
        }
        backend.embed(embedPositions, positionRows, tokens, true, hidden);

        for (int i = 0; i < layers.size(); i++) {
            Layer layer = layers.get(i);
            boolean before = config.doLayerNormBefore();
            Norm attentionNorm = norm(layer.selfAttnLayerNorm, layer.selfAttnLayerNormBias);
            Norm mlpNorm = norm(layer.finalLayerNorm, layer.finalLayerNormBias);
            Activation activation = config.activationFunction();
            // self-attention around the residual
            backend.normMatmul(
                    hidden,
                    tokens,
                    before ? attentionNorm : null,
                    layer.qkv,
                    layer.qkvBias,
                    Activation.NONE,
                    normed,
                    qkv);
            backend.attend(qkv, heads, metadata, 0, null, cache.layer(i), rule, attended);
            backend.matmulAdd(attended, tokens, layer.outProj, layer.outProjBias, projected, hidden);
            if (!before) {
                normalize(hidden, tokens, attentionNorm);
            }
            // feed-forward around the residual
            backend.normMatmul(
                    hidden, tokens, before ? mlpNorm : null, layer.fc1, layer.fc1Bias, activation, normed, inner);
            backend.matmulAdd(inner, tokens, layer.fc2, layer.fc2Bias, projected, hidden);
            if (!before) {
                normalize(hidden, tokens, mlpNorm);
            }
        }

        // final norm and head, only for the rows that need logits
        int rows = input.logitRowCount();
        backend.gatherRows(hidden, input.logitRows(), rows, width, lastRows);
        if (config.finalLayerNorm()) {
            normalize(lastRows, rows, norm(finalLayerNorm, finalLayerNormBias));
        }
        Buffer headInput = lastRows;
        if (projectOut != null) {
            backend.matmul(lastRows, rows, projectOut, null, Activation.NONE, narrow);
            headInput = narrow;
        }
        backend.matmul(headInput, rows, lmHead, null, Activation.NONE, logits);
        return logits;
    }

    private static Norm norm(Weight weight, Weight bias) {
        return Norm.layer(weight, bias, OptConfig.LAYER_NORM_EPSILON);
    }

    private void normalize(Buffer rows, int count, Norm norm) {
        backend.layerNorm(rows, count, config.hiddenSize(), norm.weight(), norm.bias(), norm.epsilon(), rows);
    }

    private Layer uploadLayer(WeightCatalog weights, Names names, int index) {
        String layer = names.decoder("layers." + index + ".");
        String attention = layer + "self_attn.";
        return new Layer(
                vector(weights, layer + "self_attn_layer_norm.weight", config.layerNormElementwiseAffine()),
                vector(weights, layer + "self_attn_layer_norm.bias", config.layerNormElementwiseAffine()),
                stacked(weights, attention, ".weight"),
                config.enableBias() ? stacked(weights, attention, ".bias") : null,
                backend.upload(weights.take(attention + "out_proj.weight")),
                vector(weights, attention + "out_proj.bias", config.enableBias()),
                vector(weights, layer + "final_layer_norm.weight", config.layerNormElementwiseAffine()),
                vector(weights, layer + "final_layer_norm.bias", config.layerNormElementwiseAffine()),
                backend.upload(weights.take(layer + "fc1.weight")),
                vector(weights, layer + "fc1.bias", config.enableBias()),
                backend.upload(weights.take(layer + "fc2.weight")),
                vector(weights, layer + "fc2.bias", config.enableBias()));
    }

    private Weight vector(WeightCatalog weights, String name, boolean present) {
        return present ? backend.upload(weights.take(name)) : null;
    }

    /** Queries, keys and values in one matrix: one pass over the input instead of three. */
    private Weight stacked(WeightCatalog weights, String attention, String suffix) {
        return backend.upload(new Tensor[] {
            weights.take(attention + "q_proj" + suffix),
            weights.take(attention + "k_proj" + suffix),
            weights.take(attention + "v_proj" + suffix)
        });
    }

    private static void expectAll(OptConfig c, WeightCatalog weights, Names names) {
        int width = c.hiddenSize();
        weights.expect(names.decoder("embed_tokens.weight"), c.vocabSize(), c.wordEmbedProjDim());
        weights.expect(
                names.decoder("embed_positions.weight"), c.maxPositionEmbeddings() + OptConfig.POSITION_OFFSET, width);
        if (c.wordEmbedProjDim() != width) {
            weights.expect(names.decoder("project_in.weight"), width, c.wordEmbedProjDim());
            weights.expect(names.decoder("project_out.weight"), c.wordEmbedProjDim(), width);
        }
        if (c.finalLayerNorm()) {
            expectNorm(c, weights, names.decoder("final_layer_norm"));
        }
        if (!c.tieWordEmbeddings()) {
            weights.expect(names.head(), c.vocabSize(), c.wordEmbedProjDim());
        }
        for (int i = 0; i < c.numHiddenLayers(); i++) {
            String layer = names.decoder("layers." + i + ".");
            expectNorm(c, weights, layer + "self_attn_layer_norm");
            for (String projection : List.of("q_proj", "k_proj", "v_proj", "out_proj")) {
                expectLinear(c, weights, layer + "self_attn." + projection, width, width);
            }
            expectNorm(c, weights, layer + "final_layer_norm");
            expectLinear(c, weights, layer + "fc1", c.ffnDim(), width);
            expectLinear(c, weights, layer + "fc2", width, c.ffnDim());
        }
    }

    private static void expectNorm(OptConfig c, WeightCatalog weights, String name) {
        if (c.layerNormElementwiseAffine()) {
            weights.expect(name + ".weight", c.hiddenSize());
            weights.expect(name + ".bias", c.hiddenSize());
        }
    }

    private static void expectLinear(OptConfig c, WeightCatalog weights, String name, int out, int in) {
        weights.expect(name + ".weight", out, in);
        if (c.enableBias()) {
            weights.expect(name + ".bias", out);
        }
    }

    /** Checkpoints name the same tensors {@code model.decoder.…} or {@code decoder.…}, by the class that saved them. */
    private record Names(String prefix) {
        static Names of(WeightCatalog weights) {
            return new Names(weights.has("decoder.embed_tokens.weight") ? "decoder." : "model.decoder.");
        }

        String decoder(String name) {
            return prefix + name;
        }

        String head() {
            return "lm_head.weight";
        }
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
        return config.numHiddenLayers();
    }

    @Override
    public int maxPositions() {
        return config.maxPositionEmbeddings();
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

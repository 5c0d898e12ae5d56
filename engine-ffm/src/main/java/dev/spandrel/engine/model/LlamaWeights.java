package dev.spandrel.engine.model;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.Weight;
import dev.spandrel.engine.model.LlamaFamily.Norms;
import dev.spandrel.engine.model.LlamaFamily.QkNorm;
import dev.spandrel.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The weights of a {@link LlamaModel} on a backend, under the names of Hugging Face checkpoints. Projections that read the
 * same input are stacked into one matrix; what a family does not have is null.
 */
record LlamaWeights(Weight embedTokens, List<Layer> layers, Weight norm, Weight lmHead, long parameters) {
    record Layer(
            Weight beforeAttention,
            Weight qkv,
            Weight qkvBias,
            Weight queryNorm,
            Weight keyNorm,
            Weight output,
            Weight outputBias,
            Weight afterAttention,
            Weight beforeMlp,
            Weight gateUp,
            Weight gateUpBias,
            Weight down,
            Weight downBias,
            Weight afterMlp) {}

    /** Where checkpoints keep the decoder: by itself, under a head, or beside a vision tower. */
    private static final List<String> PREFIXES =
            List.of("model.", "language_model.model.", "model.language_model.", "");

    static LlamaWeights upload(LlamaConfig config, WeightCatalog catalog, Backend backend) {
        String prefix = PREFIXES.stream()
                .filter(each -> catalog.has(each + "embed_tokens.weight"))
                .findFirst()
                .orElse(PREFIXES.getFirst());
        return new Uploader(config, catalog, backend, prefix).run();
    }

    /** Asks for every tensor, has them checked together, then uploads them. */
    private record Uploader(LlamaConfig config, WeightCatalog catalog, Backend backend, String prefix) {
        LlamaWeights run() {
            String embed = prefix + "embed_tokens.weight";
            String head = prefix.startsWith("language_model.") ? "language_model.lm_head.weight" : "lm_head.weight";
            catalog.expect(embed, config.vocabSize(), config.hiddenSize());
            catalog.expect(prefix + "norm.weight", config.hiddenSize());
            if (!config.tieWordEmbeddings()) {
                catalog.expect(head, config.vocabSize(), config.hiddenSize());
            }
            for (int i = 0; i < config.layers().size(); i++) {
                expectLayer(prefix + "layers." + i + ".");
            }
            catalog.check(Set.of(head));
            catalog.checkMemory(backend);
            Weight embedTokens = config.tieWordEmbeddings()
                    ? backend.upload(catalog.take(embed))
                    : backend.uploadTable(catalog.take(embed));
            List<Layer> layers = new ArrayList<>();
            for (int i = 0; i < config.layers().size(); i++) {
                layers.add(uploadLayer(prefix + "layers." + i + "."));
            }
            return new LlamaWeights(
                    embedTokens,
                    List.copyOf(layers),
                    norm(prefix, "norm"),
                    config.tieWordEmbeddings() ? embedTokens : backend.upload(catalog.take(head)),
                    catalog.parameters());
        }

        private void expectLayer(String layer) {
            int width = config.hiddenSize();
            int queries = config.heads().queryColumns();
            int keys = config.heads().kvColumns();
            Norms norms = config.family().norms();
            for (String name :
                    new String[] {norms.beforeAttention(), norms.afterAttention(), norms.beforeMlp(), norms.afterMlp()
                    }) {
                if (name != null) {
                    catalog.expect(layer + name + ".weight", width);
                }
            }
            if (config.family() == LlamaFamily.PHI3) {
                expectLinear(layer + "self_attn.qkv_proj", queries + 2 * keys, width, false);
                expectLinear(layer + "mlp.gate_up_proj", 2 * config.intermediateSize(), width, false);
            } else {
                expectLinear(layer + "self_attn.q_proj", queries, width, config.qkvBias());
                expectLinear(layer + "self_attn.k_proj", keys, width, config.qkvBias());
                expectLinear(layer + "self_attn.v_proj", keys, width, config.qkvBias());
                expectLinear(layer + "mlp.gate_proj", config.intermediateSize(), width, config.mlpBias());
                expectLinear(layer + "mlp.up_proj", config.intermediateSize(), width, config.mlpBias());
            }
            expectLinear(layer + "self_attn.o_proj", width, queries, config.outputBias());
            expectLinear(layer + "mlp.down_proj", width, config.intermediateSize(), config.mlpBias());
            if (config.family().qkNorm() != QkNorm.NONE) {
                boolean each = config.family().qkNorm() == QkNorm.EACH_HEAD;
                catalog.expect(
                        layer + "self_attn.q_norm.weight", each ? config.heads().headDim() : queries);
                catalog.expect(
                        layer + "self_attn.k_norm.weight", each ? config.heads().headDim() : keys);
            }
        }

        private void expectLinear(String name, int out, int in, boolean bias) {
            catalog.expect(name + ".weight", out, in);
            if (bias) {
                catalog.expect(name + ".bias", out);
            }
        }

        private Layer uploadLayer(String layer) {
            Norms norms = config.family().norms();
            boolean fused = config.family() == LlamaFamily.PHI3;
            boolean qkNorm = config.family().qkNorm() != QkNorm.NONE;
            String[] qkv = fused
                    ? new String[] {"self_attn.qkv_proj"}
                    : new String[] {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"};
            String[] gateUp = fused ? new String[] {"mlp.gate_up_proj"} : new String[] {"mlp.gate_proj", "mlp.up_proj"};
            return new Layer(
                    norm(layer, norms.beforeAttention()),
                    stacked(layer, ".weight", true, qkv),
                    stacked(layer, ".bias", config.qkvBias(), qkv),
                    norm(layer, qkNorm ? "self_attn.q_norm" : null),
                    norm(layer, qkNorm ? "self_attn.k_norm" : null),
                    stacked(layer, ".weight", true, "self_attn.o_proj"),
                    stacked(layer, ".bias", config.outputBias(), "self_attn.o_proj"),
                    norm(layer, norms.afterAttention()),
                    norm(layer, norms.beforeMlp()),
                    stacked(layer, ".weight", true, gateUp),
                    stacked(layer, ".bias", config.mlpBias(), gateUp),
                    stacked(layer, ".weight", true, "mlp.down_proj"),
                    stacked(layer, ".bias", config.mlpBias(), "mlp.down_proj"),
                    norm(layer, norms.afterMlp()));
        }

        private Weight stacked(String layer, String suffix, boolean present, String... names) {
            if (!present) {
                return null;
            }
            Tensor[] parts = new Tensor[names.length];
            for (int i = 0; i < parts.length; i++) {
                parts[i] = catalog.take(layer + names[i] + suffix);
            }
            return backend.upload(parts);
        }

        /** Gemma stores what its norms have beyond 1, GGUF the whole. */
        private Weight norm(String layer, String name) {
            if (name == null) {
                return null;
            }
            Tensor weight = catalog.take(layer + name + ".weight");
            boolean beyondOne = config.family().isGemma() && !catalog.isGguf();
            return backend.upload(beyondOne ? HostTensors.plusOne(weight) : weight);
        }
    }
}

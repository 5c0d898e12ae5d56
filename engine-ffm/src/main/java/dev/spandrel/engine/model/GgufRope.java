package dev.spandrel.engine.model;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.checkpoint.Checkpoint;
import dev.spandrel.engine.checkpoint.GgufMetadata;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Elements;
import dev.spandrel.engine.tensor.Tensor;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Rotary position embedding as a GGUF file describes it, in the words of {@code rope_parameters}. Factors of single
 * dimensions are tensors there: one for Llama 3.1 and later, a short and a long one for Phi-3.
 */
final class GgufRope {
    private static final int MOST_FACTORS = 1 << 12;

    private GgufRope() {}

    static Optional<ObjectNode> read(GgufMetadata metadata, String prefix) {
        ObjectNode rope = JsonNodeFactory.instance.objectNode();
        metadata.number(prefix + "rope.freq_base").ifPresent(base -> rope.put("rope_theta", base));
        String type = metadata.text(prefix + "rope.scaling.type").orElse("none");
        String single = "rope_freqs.weight";
        if (metadata.shape("rope_factors_long.weight") != null) {
            factors(metadata, rope, "rope_factors_short.weight", "rope_factors_long.weight");
            double attention =
                    metadata.number(prefix + "rope.scaling.attn_factor").orElse(1.0);
            rope.put("attention_factor", attention);
        } else if (metadata.shape(single) != null) {
            factors(metadata, rope, single, single);
            rope.put("attention_factor", 1);
        } else if (type.equals("linear") || type.equals("yarn")) {
            rope.put("rope_type", type);
            copy(metadata, prefix + "rope.scaling.factor", rope, "factor");
            copy(metadata, prefix + "rope.scaling.yarn_beta_fast", rope, "beta_fast");
            copy(metadata, prefix + "rope.scaling.yarn_beta_slow", rope, "beta_slow");
            copy(metadata, prefix + "rope.scaling.yarn_attn_factor", rope, "attention_factor");
            metadata.integer(prefix + "rope.scaling.original_context_length")
                    .ifPresent(context -> rope.put("original_max_position_embeddings", context.intValue()));
        } else if (!type.equals("none")) {
            throw new EngineException.ModelLoad(
                    metadata.file().toString(),
                    prefix + "rope.scaling.type: expected none, linear, yarn, or longrope with its factors, found "
                            + type);
        }
        return gemma3(metadata, prefix, rope);
    }

    /** Layers with a window turn by angles of their own, which nothing stretches. */
    private static Optional<ObjectNode> gemma3(GgufMetadata metadata, String prefix, ObjectNode rope) {
        if (!prefix.equals("gemma3.")) {
            return rope.isEmpty() ? Optional.empty() : Optional.of(rope);
        }
        ObjectNode both = JsonNodeFactory.instance.objectNode();
        both.set("full_attention", rope);
        ObjectNode local = both.putObject("sliding_attention");
        metadata.number(prefix + "rope.freq_base_swa").ifPresent(base -> local.put("rope_theta", base));
        return Optional.of(both);
    }

    private static void copy(GgufMetadata metadata, String key, ObjectNode rope, String name) {
        metadata.number(key).ifPresent(value -> rope.put(name, value));
    }

    private static void factors(GgufMetadata metadata, ObjectNode rope, String shortName, String longName) {
        rope.put("rope_type", "longrope");
        try (Checkpoint file = Checkpoint.open(metadata.file())) {
            fill(file, shortName, rope.putArray("short_factor"));
            fill(file, longName, rope.putArray("long_factor"));
        }
    }

    private static void fill(Checkpoint file, String name, ArrayNode into) {
        Tensor tensor = file.tensor(name);
        if (tensor == null || tensor.dtype() != DType.F32 || tensor.elements() > MOST_FACTORS) {
            List<Long> found = tensor == null ? List.of() : tensor.shape();
            throw new EngineException.ModelLoad(
                    file.path().toString(),
                    "tensor " + name + ": expected at most " + MOST_FACTORS + " factors in F32, found " + found);
        }
        float[] values = new float[(int) tensor.elements()];
        Elements.toFloats(tensor, 0, values.length, values, 0);
        for (float value : values) {
            into.add((double) value);
        }
    }
}

package dev.spandrel.engine.model;

import dev.spandrel.engine.model.LlamaConfig.LayerKind;
import java.util.ArrayList;
import java.util.List;

/** Which layers have a window and which know positions, from {@code layer_types} or from each family's older keys. */
final class LlamaLayers {
    private LlamaLayers() {}

    static List<LayerKind> read(LlamaFamily family, ModelConfig config) {
        int count = config.integer("num_hidden_layers", 1, 1 << 10);
        int window = config.integer("sliding_window", 1, 1 << 24, 0);
        int[] noRope = config.integers("no_rope_layers");
        List<String> types = config.texts("layer_types");
        if (!types.isEmpty() && types.size() != count || noRope.length != 0 && noRope.length != count) {
            config.problem("layer_types, no_rope_layers: expected one entry for each of " + count + " layers, found "
                    + types.size() + " and " + noRope.length);
            return List.of();
        }
        List<LayerKind> layers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            boolean positions = family != LlamaFamily.SMOLLM3 || knowsPositions(config, noRope, i);
            boolean slides = types.isEmpty() ? slides(family, config, i, positions) : slides(config, types.get(i));
            layers.add(new LayerKind(slides ? window : 0, positions));
        }
        return layers;
    }

    private static boolean knowsPositions(ModelConfig config, int[] noRope, int layer) {
        return noRope.length > 0
                ? noRope[layer] != 0
                : (layer + 1) % config.integer("no_rope_layer_interval", 1, 1 << 10, 4) != 0;
    }

    private static boolean slides(ModelConfig config, String type) {
        if (!type.equals("sliding_attention") && !type.equals("full_attention")) {
            config.problem("layer_types: expected sliding_attention or full_attention, found " + type);
        }
        return type.equals("sliding_attention");
    }

    private static boolean slides(LlamaFamily family, ModelConfig config, int layer, boolean knowsPositions) {
        return switch (family) {
            case LLAMA, OLMO2 -> false;
            case MISTRAL, PHI3 -> true;
            case QWEN2, QWEN3 ->
                config.flag("use_sliding_window", false)
                        && layer >= config.integer("max_window_layers", 0, 1 << 10, 28);
            case SMOLLM3 -> config.flag("use_sliding_window", false) && !knowsPositions;
            case GEMMA2 -> layer % 2 == 0;
            case GEMMA3 -> (layer + 1) % config.integer("sliding_window_pattern", 1, 1 << 10, 6) != 0;
        };
    }
}

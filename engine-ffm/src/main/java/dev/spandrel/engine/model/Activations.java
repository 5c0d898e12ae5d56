package dev.spandrel.engine.model;

import dev.spandrel.engine.backend.Activation;
import java.util.Map;
import java.util.TreeMap;

/** Activation functions by their names in {@code config.json}. */
final class Activations {
    private static final Map<String, Activation> NAMES = new TreeMap<>(Map.of(
            "relu", Activation.RELU,
            "silu", Activation.SILU,
            "swish", Activation.SILU,
            "gelu", Activation.GELU,
            "gelu_new", Activation.GELU_TANH,
            "gelu_fast", Activation.GELU_TANH,
            "gelu_pytorch_tanh", Activation.GELU_TANH));

    private Activations() {}

    /** The function a key names, or {@code otherwise} where it is missing. */
    static Activation of(ModelConfig config, String key, String otherwise) {
        String name = config.text(key, otherwise);
        Activation activation = NAMES.get(name);
        if (activation == null) {
            config.problem(key + ": expected one of " + NAMES.keySet() + ", found " + name);
            return Activation.NONE;
        }
        return activation;
    }
}

package dev.spandrel.engine.model;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.checkpoint.Checkpoint;
import java.util.Map;
import java.util.TreeMap;

/** Picks the family by the architecture that {@code config.json} names, and loads it. */
public final class ModelLoader {
    /** How a family comes to be; the checkpoint may be closed afterwards. */
    @FunctionalInterface
    private interface Family {
        Model load(ModelConfig config, Checkpoint checkpoint, Backend backend, int maxTokens, int maxLogitRows);
    }

    private static final Map<String, Family> FAMILIES = new TreeMap<>(Map.of(
            "OPTForCausalLM", OptModel::load,
            // Saved without its head; the head is the embedding.
            "OPTModel", OptModel::load));

    private ModelLoader() {}

    /**
     * Loads the weights of a folder onto a backend.
     *
     * @param maxTokens most tokens in a step
     * @param maxLogitRows most rows with logits in a step
     * @throws EngineException.ModelLoad when the architecture is not supported or the weights do not fit it
     */
    public static Model load(ModelConfig config, Backend backend, int maxTokens, int maxLogitRows) {
        Family family = FAMILIES.get(config.architecture());
        if (family == null) {
            config.problem("architectures: expected one of " + FAMILIES.keySet() + ", found "
                    + (config.architecture().isEmpty() ? "none" : config.architecture()));
            config.check();
        }
        try (Checkpoint checkpoint = Checkpoint.open(config.folder())) {
            return family.load(config, checkpoint, backend, maxTokens, maxLogitRows);
        }
    }
}

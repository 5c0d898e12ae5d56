package dev.spandrel.engine.model;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.checkpoint.Checkpoint;
import dev.spandrel.engine.checkpoint.LoadFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToIntFunction;

/** Picks the family by the architecture that {@code config.json} names, and loads it. */
public final class ModelLoader {
    /**
     * A family.
     *
     * @param maxPositions longest sequence by its configuration; throws with all that is wrong there
     * @param loading how one comes to be; the checkpoint may be closed afterwards
     */
    private record Family(ToIntFunction<ModelConfig> maxPositions, Loading loading) {
        static Family of(LlamaFamily family) {
            return new Family(
                    config -> LlamaConfig.from(family, config).maxPositions(),
                    (config, checkpoint, backend, limits) ->
                            LlamaModel.load(family, config, checkpoint, backend, limits));
        }
    }

    @FunctionalInterface
    private interface Loading {
        Model load(ModelConfig config, Checkpoint checkpoint, Backend backend, StepLimits limits);
    }

    private static final Map<String, Family> FAMILIES = families();

    private ModelLoader() {}

    private static Map<String, Family> families() {
        Family opt = new Family(config -> OptConfig.from(config).maxPositionEmbeddings(), OptModel::load);
        Family gpt2 = new Family(config -> Gpt2Config.from(config).nPositions(), Gpt2Model::load);
        Map<String, Family> families = new TreeMap<>(Map.of(
                "OPTForCausalLM", opt,
                // Saved without its head; the head is the embedding.
                "OPTModel", opt,
                "GPT2LMHeadModel", gpt2,
                "GPT2Model", gpt2));
        families.put("LlamaForCausalLM", Family.of(LlamaFamily.LLAMA));
        families.put("MistralForCausalLM", Family.of(LlamaFamily.MISTRAL));
        families.put("Qwen2ForCausalLM", Family.of(LlamaFamily.QWEN2));
        families.put("Qwen3ForCausalLM", Family.of(LlamaFamily.QWEN3));
        families.put("SmolLM3ForCausalLM", Family.of(LlamaFamily.SMOLLM3));
        families.put("Olmo2ForCausalLM", Family.of(LlamaFamily.OLMO2));
        families.put("Phi3ForCausalLM", Family.of(LlamaFamily.PHI3));
        families.put("Gemma2ForCausalLM", Family.of(LlamaFamily.GEMMA2));
        families.put("Gemma3ForCausalLM", Family.of(LlamaFamily.GEMMA3));
        // With its vision tower, of which only the text side is read.
        families.put("Gemma3ForConditionalGeneration", Family.of(LlamaFamily.GEMMA3));
        return families;
    }

    /**
     * The longest sequence that a model was made for.
     *
     * @throws dev.spandrel.engine.EngineException.ModelLoad when the architecture is not supported or its configuration is
     *     not sound
     */
    public static int maxPositions(ModelConfig config) {
        return family(config).maxPositions().applyAsInt(config);
    }

    /** Ids that a model of this configuration scores, for who has no tokenizer to ask. */
    public static int vocabSize(ModelConfig config) {
        ModelConfig text = config.has("text_config") ? config.child("text_config") : config;
        int size = text.integer("vocab_size", 1, 1 << 24);
        config.check();
        return size;
    }

    /**
     * Loads the weights of a folder onto a backend.
     *
     * @throws dev.spandrel.engine.EngineException.ModelLoad when the architecture is not supported or the weights do not
     *     fit it
     */
    public static Model load(ModelConfig config, Backend backend, StepLimits limits) {
        return load(config, LoadFormat.AUTO, backend, limits, () -> {});
    }

    /**
     * As {@link #load(ModelConfig, Backend, StepLimits)}.
     *
     * @param format which files to read
     * @param mapped told once the files are mapped and their headers checked, before the first weight is read
     */
    public static Model load(
            ModelConfig config, LoadFormat format, Backend backend, StepLimits limits, Runnable mapped) {
        Family family = family(config);
        try (Checkpoint checkpoint = open(config, format)) {
            mapped.run();
            return family.loading().load(config, checkpoint, backend, limits);
        }
    }

    private static Checkpoint open(ModelConfig config, LoadFormat format) {
        if (format == LoadFormat.DUMMY) {
            return new DummyCheckpoint(config);
        }
        return config.isGguf() ? GgufCheckpoint.open(config) : Checkpoint.open(config.folder(), format);
    }

    private static Family family(ModelConfig config) {
        Family family = FAMILIES.get(config.architecture());
        if (family == null) {
            config.problem("architectures: expected one of " + FAMILIES.keySet() + ", found "
                    + (config.architecture().isEmpty() ? "none" : config.architecture()));
            config.check();
        }
        return family;
    }
}

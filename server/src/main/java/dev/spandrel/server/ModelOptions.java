package dev.spandrel.server;

import dev.spandrel.engine.EngineConfig;
import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The flags of {@code serve} that say which model, and from where. */
final class ModelOptions {
    private static final String MODELS_PROPERTY = "spandrel.models";

    @Parameters(index = "0", arity = "0..1", paramLabel = "MODEL", description = "Same as --model.")
    private String positionalModel;

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = {
                "Folder in Hugging Face layout, GGUF file, name of either under --models, or Hub id:",
                "owner/name, owner/name@REVISION, owner/name:Q4_K_M for one of several GGUF files."
            })
    private String model;

    @Option(
            names = "--models",
            paramLabel = "DIR",
            description = "Where model names are looked up. Default: system property spandrel.models, else ./models.")
    private Path models;

    @Option(
            names = "--load-format",
            defaultValue = "auto",
            paramLabel = "NAME",
            description =
                    "auto (safetensors, else pt, else gguf), safetensors, pt, gguf, or dummy: random weights of the"
                            + " shapes that config.json asks for. Default: ${DEFAULT-VALUE}.")
    private String loadFormat;

    @Option(
            names = "--revision",
            defaultValue = "",
            paramLabel = "NAME",
            description = "Branch, tag or commit of a model on the Hub. Default: main.")
    private String revision;

    @Option(
            names = "--download-dir",
            paramLabel = "DIR",
            description = "Where models from the Hub are kept. Default: HF_HUB_CACHE, else hub in HF_HOME.")
    private Path downloadDir;

    @Option(
            names = "--tokenizer",
            defaultValue = "",
            paramLabel = "MODEL",
            description = "Take tokenizer and chat template from another folder, GGUF file or Hub id."
                    + " Default: the model's own.")
    private String tokenizer;

    @Option(
            names = "--chat-template",
            paramLabel = "FILE",
            converter = ChatTemplateSource.class,
            description = "Jinja template of conversations in place of the model's: a file, or the template itself.")
    private String chatTemplate = "";

    @Option(
            names = "--chat-template-content-format",
            defaultValue = "auto",
            paramLabel = "NAME",
            description = "How the chat template sees contents that come in parts: string (as one text), openai (as a"
                    + " list) or auto (as it looks at them). Default: ${DEFAULT-VALUE}.")
    private String chatTemplateContentFormat;

    @Option(
            names = "--generation-config",
            defaultValue = "auto",
            paramLabel = "FOLDER",
            converter = GenerationConfigSource.class,
            description = "Whose generation_config.json gives defaults: auto (the model's), vllm (none), or a folder's."
                    + " Default: ${DEFAULT-VALUE}.")
    private String generationConfig;

    @Option(
            names = "--max-model-len",
            defaultValue = "auto",
            paramLabel = "N",
            converter = Magnitudes.Length.class,
            description = "Longest prompt plus output in tokens; 1k = 1000, 1K = 1024. Default: the model's own limit.")
    private int maxModelLen;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    /**
     * The beginning of an engine's configuration.
     *
     * @throws ParameterException when no model is named, or two
     */
    EngineConfig.Builder engine() {
        return EngineConfig.of(modelName())
                .models(models == null ? Path.of(System.getProperty(MODELS_PROPERTY, "models")) : models)
                .loadFormat(loadFormat)
                .revision(revision)
                .downloadDir(downloadDir)
                .tokenizer(tokenizer)
                .chatTemplate(chatTemplate)
                .chatTemplateContentFormat(chatTemplateContentFormat)
                .generationConfig(generationConfig)
                .maxModelLen(maxModelLen);
    }

    private String modelName() {
        if (model != null && positionalModel != null && !model.equals(positionalModel)) {
            throw new ParameterException(
                    spec.commandLine(), "two models: \"" + positionalModel + "\" and --model \"" + model + "\"");
        }
        String chosen = model == null ? positionalModel : model;
        if (chosen == null || chosen.isBlank()) {
            throw new ParameterException(
                    spec.commandLine(), "no model: name one with --model, a folder or a name under --models");
        }
        return chosen;
    }
}

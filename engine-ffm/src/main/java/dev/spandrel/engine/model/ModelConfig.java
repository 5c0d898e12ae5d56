package dev.spandrel.engine.model;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.checkpoint.GgufMetadata;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code config.json} of a Hugging Face model folder, read by the file's own names. A getter that finds something else
 * than it expects notes the problem and returns a harmless value, so that a family reads its whole configuration and
 * {@link #check} then tells everything at once.
 */
public final class ModelConfig {
    /** Far above any real file; a larger one is not a configuration. */
    private static final long MAX_BYTES = 16 << 20;

    private static final String GENERATION = "generation_config.json";

    private final Path folder;
    private final String file;
    private final JsonNode root;
    private final List<String> problems;

    private ModelConfig(Path folder, String file, JsonNode root, List<String> problems) {
        this.folder = folder;
        this.file = file;
        this.root = root;
        this.problems = problems;
    }

    /**
     * Reads {@code config.json}, or the values of a GGUF file.
     *
     * @param folder the model's folder, or its GGUF file
     * @throws EngineException.ModelLoad when it is missing or not a JSON object
     */
    public static ModelConfig read(Path folder) {
        if (GgufMetadata.isGgufFile(folder)) {
            return new ModelConfig(
                    folder,
                    folder.getFileName().toString(),
                    GgufConfig.read(GgufMetadata.read(folder)),
                    new ArrayList<>());
        }
        return read(folder, "config.json");
    }

    /** What the model says about generating: {@code generation_config.json} beside it, or the same file's values. */
    public ModelConfig generation() {
        return isGguf()
                ? new ModelConfig(folder, file, GgufGeneration.read(GgufMetadata.read(folder)), new ArrayList<>())
                : readIfPresent(folder, GENERATION);
    }

    /**
     * What is said about generating by the operator's choice: {@code auto} is the model's word, {@code vllm} no word at all,
     * anything else the folder whose {@code generation_config.json} counts.
     *
     * @throws EngineException.ModelLoad when that folder has none, or it is no JSON object
     */
    public ModelConfig generation(String source) {
        return switch (source) {
            case "auto" -> generation();
            case "vllm" ->
                new ModelConfig(folder, GENERATION, JsonMapper.shared().createObjectNode(), new ArrayList<>());
            default -> read(Path.of(source), GENERATION);
        };
    }

    /** Whether it comes from a GGUF file. */
    public boolean isGguf() {
        return GgufMetadata.isGguf(folder);
    }

    /** Reads another JSON file of the folder in the same way; a missing one counts as empty. */
    public static ModelConfig readIfPresent(Path folder, String file) {
        return Files.exists(folder.resolve(file))
                ? read(folder, file)
                : new ModelConfig(folder, file, JsonMapper.shared().createObjectNode(), new ArrayList<>());
    }

    private static ModelConfig read(Path folder, String file) {
        Path path = folder.resolve(file);
        try {
            if (!Files.isRegularFile(path)) {
                throw new EngineException.ModelLoad(
                        folder.toString(), "no " + file + "; a model folder in Hugging Face layout has one");
            }
            if (Files.size(path) > MAX_BYTES) {
                throw new EngineException.ModelLoad(
                        folder.toString(), file + " has " + Files.size(path) + " bytes, expected at most " + MAX_BYTES);
            }
            JsonMapper mapper = JsonMapper.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();
            JsonNode root = mapper.readTree(Files.readAllBytes(path));
            if (!root.isObject()) {
                throw new EngineException.ModelLoad(
                        folder.toString(), file + ": expected a JSON object, found " + root.getNodeType());
            }
            return new ModelConfig(folder, file, root, new ArrayList<>());
        } catch (JacksonException e) {
            throw new EngineException.ModelLoad(
                    folder.toString(),
                    file + ": not valid JSON: " + e.getOriginalMessage() + " at line "
                            + e.getLocation().getLineNr());
        } catch (IOException e) {
            throw new EngineException.ModelLoad(folder.toString(), file + ": cannot be read: " + e);
        }
    }

    /** The folder, or the GGUF file, that the configuration describes. */
    public Path folder() {
        return folder;
    }

    /** First entry of {@code architectures}, e.g. {@code OPTForCausalLM}; empty when there is none. */
    public String architecture() {
        JsonNode architectures = root.path("architectures");
        return architectures.isArray() && !architectures.isEmpty()
                ? architectures.get(0).asString("")
                : "";
    }

    /** A nested object, whose problems count as this one's; empty where the key is missing or null. */
    public ModelConfig child(String key) {
        JsonNode node = has(key) ? root.get(key) : JsonMapper.shared().createObjectNode();
        if (!node.isObject()) {
            problem(key, "an object", node);
            node = JsonMapper.shared().createObjectNode();
        }
        return new ModelConfig(folder, file + ": " + key, node, problems);
    }

    /** Whether the key is there, be it with null. */
    public boolean names(String key) {
        return root.has(key);
    }

    /** Whether the key is there with a value. */
    public boolean has(String key) {
        return root.has(key) && !root.get(key).isNull();
    }

    /** A whole number from {@code least} to {@code most}, required. */
    public int integer(String key, int least, int most) {
        JsonNode node = root.path(key);
        if (!node.isInt() || node.intValue() < least || node.intValue() > most) {
            problem(key, "a whole number from " + least + " to " + most, node);
            return least;
        }
        return node.intValue();
    }

    /** As {@link #integer(String, int, int)}, or {@code otherwise} where the key is missing or null. */
    public int integer(String key, int least, int most, int otherwise) {
        return has(key) ? integer(key, least, most) : otherwise;
    }

    public double number(String key, double otherwise) {
        if (!has(key)) {
            return otherwise;
        }
        if (!root.get(key).isNumber()) {
            problem(key, "a number", root.get(key));
            return otherwise;
        }
        return root.get(key).doubleValue();
    }

    public boolean flag(String key, boolean otherwise) {
        if (!has(key)) {
            return otherwise;
        }
        if (!root.get(key).isBoolean()) {
            problem(key, "true or false", root.get(key));
            return otherwise;
        }
        return root.get(key).booleanValue();
    }

    public String text(String key, String otherwise) {
        if (!has(key)) {
            return otherwise;
        }
        if (!root.get(key).isString()) {
            problem(key, "a string", root.get(key));
            return otherwise;
        }
        return root.get(key).stringValue();
    }

    /** One whole number or a list of them, as {@code eos_token_id} comes; empty where missing. */
    public int[] integers(String key) {
        JsonNode node = root.path(key);
        if (node.isInt()) {
            return new int[] {node.intValue()};
        }
        if (node.isArray()) {
            List<Integer> found = new ArrayList<>();
            node.forEach(each -> {
                if (each.isInt()) {
                    found.add(each.intValue());
                } else {
                    problem(key, "whole numbers", each);
                }
            });
            return found.stream().mapToInt(Integer::intValue).toArray();
        }
        if (has(key)) {
            problem(key, "a whole number or a list of them", node);
        }
        return new int[0];
    }

    /** A list of {@code count} numbers, required; empty where it is not that, since the count comes from the file too. */
    public double[] numbers(String key, int count) {
        JsonNode node = root.path(key);
        if (!node.isArray() || node.size() != count || !node.valueStream().allMatch(JsonNode::isNumber)) {
            problem(key, "a list of " + count + " numbers", node);
            return new double[0];
        }
        return node.valueStream().mapToDouble(JsonNode::doubleValue).toArray();
    }

    /** A list of strings, empty where missing. */
    public List<String> texts(String key) {
        if (has(key) && !root.get(key).isArray()) {
            problem(key, "a list of strings", root.get(key));
        }
        return root.path(key).valueStream().map(each -> each.asString("")).toList();
    }

    /** Notes something that is wrong beyond a single value. */
    public void problem(String text) {
        problems.add(file + ": " + text);
    }

    private void problem(String key, String expected, JsonNode found) {
        problem(key + ": expected " + expected + ", found "
                + (found.isMissingNode() ? "nothing" : cut(found.toString())));
    }

    private static String cut(String value) {
        return value.length() <= 60 ? value : value.substring(0, 60) + "…";
    }

    /**
     * Ends the reading.
     *
     * @throws EngineException.ModelLoad with every problem noted so far, if any
     */
    public void check() {
        if (!problems.isEmpty()) {
            throw new EngineException.ModelLoad(folder.toString(), problems);
        }
    }
}

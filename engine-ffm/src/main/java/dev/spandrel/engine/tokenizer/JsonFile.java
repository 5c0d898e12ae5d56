package dev.spandrel.engine.tokenizer;

import dev.spandrel.engine.EngineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/** Reads a JSON file of a model folder strictly: bounded in size and depth, no member twice, nothing after the end. */
final class JsonFile {
    /** The largest tokenizer.json in use have about 35 MB. */
    static final long MAX_BYTES = 128 << 20;

    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(64)
                            .maxDocumentLength(MAX_BYTES)
                            .build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private JsonFile() {}

    /** The object in a file, or an empty one when there is no such file. */
    static JsonNode readIfPresent(Path file) {
        return Files.exists(file) ? read(file) : JsonNodeFactory.instance.objectNode();
    }

    /** @throws EngineException.ModelLoad when it cannot be read or is no JSON object */
    static JsonNode read(Path file) {
        byte[] json = bytes(file);
        try {
            JsonNode node = MAPPER.readTree(json);
            if (!node.isObject()) {
                throw new EngineException.ModelLoad(
                        file.toString(), "expected a JSON object, found " + node.getNodeType());
            }
            return node;
        } catch (JacksonException e) {
            throw new EngineException.ModelLoad(file.toString(), "expected JSON, found: " + e.getMessage());
        }
    }

    /** The bytes of a file within {@link #MAX_BYTES}. */
    static byte[] bytes(Path file) {
        try {
            long size = Files.size(file);
            if (size > MAX_BYTES) {
                throw new EngineException.ModelLoad(
                        file.toString(), "expected at most " + MAX_BYTES + " bytes, found " + size);
            }
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new EngineException.ModelLoad(file.toString(), "cannot be read: " + e);
        }
    }
}

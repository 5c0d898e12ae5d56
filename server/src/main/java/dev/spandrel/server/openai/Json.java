package dev.spandrel.server.openai;

import java.io.ByteArrayOutputStream;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * JSON in and out with limits. Trees in, since every field's type is checked by hand; a generator out, since records
 * would cost reflection at start and one more copy per token.
 */
final class Json {
    /** Deeper than any request of this API; OpenAI's own schemas stay below 20. */
    static final int MAX_DEPTH = 100;

    /** A million tokens of JSON are about 50 MB of tree; the longest context times 1024 prompts would not fit anyway. */
    static final long MAX_TOKENS = 1_000_000;

    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .maxTokenCount(MAX_TOKENS)
                            .build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Json() {}

    /**
     * Parses one document.
     *
     * @throws JacksonException when it is not one JSON value within the limits
     */
    static JsonNode parse(byte[] bytes) {
        return MAPPER.readTree(bytes);
    }

    /** What the writer writes, in UTF-8. */
    static byte[] bytes(Consumer<JsonGenerator> writer) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
        try (JsonGenerator out = MAPPER.createGenerator(bytes)) {
            writer.accept(out);
        }
        return bytes.toByteArray();
    }

    /** A string property, or an explicit null. */
    static void nullable(JsonGenerator out, String name, String value) {
        if (value == null) {
            out.writeNullProperty(name);
        } else {
            out.writeStringProperty(name, value);
        }
    }
}

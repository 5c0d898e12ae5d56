package dev.spandrel.engine.grammar;

import dev.spandrel.engine.EngineException;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** Which keywords of JSON Schema (2020-12) are acted on, which say nothing about validity, and that all others are refused. */
final class SchemaKeywords {
    /** Acted on. */
    static final Set<String> SUPPORTED = Set.of(
            "$ref",
            "additionalProperties",
            "allOf",
            "anyOf",
            "const",
            "enum",
            "exclusiveMaximum",
            "exclusiveMinimum",
            "format",
            "items",
            "maxItems",
            "maxLength",
            "maxProperties",
            "maximum",
            "minItems",
            "minLength",
            "minProperties",
            "minimum",
            "nullable",
            "oneOf",
            "pattern",
            "prefixItems",
            "properties",
            "required",
            "type",
            "uniqueItems");

    /** Say nothing about whether a value is valid. */
    static final Set<String> ANNOTATIONS = Set.of(
            "$anchor",
            "$comment",
            "$defs",
            "$id",
            "$schema",
            "contentEncoding",
            "contentMediaType",
            "default",
            "definitions",
            "deprecated",
            "description",
            "discriminator",
            "example",
            "examples",
            "externalDocs",
            "readOnly",
            "strict",
            "title",
            "writeOnly",
            "xml");

    private SchemaKeywords() {}

    /**
     * Refuses what is neither.
     *
     * @throws EngineException.InvalidRequest naming the first such keyword
     */
    static void check(SchemaPlaces places, String place, JsonNode schema) {
        for (String keyword : schema.propertyNames()) {
            boolean known = SUPPORTED.contains(keyword) || ANNOTATIONS.contains(keyword) || keyword.startsWith("x-");
            if (!known) {
                throw places.error(
                        place,
                        "the JSON schema uses `" + keyword + "` at " + place
                                + ", which this server does not support; supported are "
                                + SUPPORTED.stream().sorted().toList());
            }
        }
    }
}

package dev.spandrel.engine.grammar;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * Whether schemas plainly exclude each other, so that {@code oneOf} means the same as {@code anyOf}: different types,
 * different constants, or a required property that has different constants (a discriminator).
 */
final class Disjoint {
    private Disjoint() {}

    /** The first two that may overlap, in words. */
    static Optional<String> problem(List<JsonNode> schemas) {
        for (int i = 0; i < schemas.size(); i++) {
            for (int j = i + 1; j < schemas.size(); j++) {
                if (!disjoint(schemas.get(i), schemas.get(j))) {
                    return Optional.of("numbers " + i + " and " + j);
                }
            }
        }
        return Optional.empty();
    }

    private static boolean disjoint(JsonNode one, JsonNode other) {
        return apart(types(one), types(other))
                || apart(constants(one), constants(other))
                || one.path("required")
                        .valueStream()
                        .map(JsonNode::asString)
                        .filter(other.path("required")
                                .valueStream()
                                .map(JsonNode::asString)
                                .collect(Collectors.toSet())::contains)
                        .anyMatch(name -> apart(
                                constants(one.path("properties").path(name)),
                                constants(other.path("properties").path(name))));
    }

    private static boolean apart(Set<?> one, Set<?> other) {
        return !one.isEmpty() && !other.isEmpty() && one.stream().noneMatch(other::contains);
    }

    private static Set<String> types(JsonNode schema) {
        JsonNode type = schema.path("type");
        Stream<JsonNode> all = type.isArray() ? type.valueStream() : Stream.of(type);
        // Every integer is a number.
        return all.filter(JsonNode::isString)
                .map(JsonNode::stringValue)
                .map(name -> name.equals("integer") ? "number" : name)
                .collect(Collectors.toSet());
    }

    private static Set<JsonNode> constants(JsonNode schema) {
        return schema.has("const")
                ? Set.of(schema.path("const"))
                : schema.path("enum").valueStream().collect(Collectors.toSet());
    }
}

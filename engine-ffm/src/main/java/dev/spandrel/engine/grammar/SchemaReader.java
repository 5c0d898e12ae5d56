package dev.spandrel.engine.grammar;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.grammar.Expression.Reference;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Turns a JSON schema into rules. Each place that a {@code $ref} names becomes a rule of its own, so schemas may contain
 * themselves. What is written is always valid; not everything valid can be written: properties come in the schema's order,
 * and an object that names properties has no others unless {@code additionalProperties} says so.
 */
final class SchemaReader {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();
    private static final int MAX_DEPTH = 64;

    private final SchemaPlaces places;
    private final JsonNode root;
    private final Map<String, Expression> rules = new HashMap<>();
    private int depth;
    private int freshRules;

    private SchemaReader(SchemaPlaces places, JsonNode root) {
        this.places = places;
        this.root = root;
        JsonGrammar.addTo(rules);
    }

    /**
     * The grammar of a schema.
     *
     * @param places the request's fields, for messages
     * @throws EngineException.InvalidRequest when it is no schema, uses what is not supported, or has no finite value
     */
    static Grammar read(SchemaPlaces places, String schema) {
        String parameter = places.field("#");
        JsonNode root;
        try {
            root = MAPPER.readTree(schema);
        } catch (JacksonException e) {
            throw new EngineException.InvalidRequest(
                    parameter, "the JSON schema is not valid JSON: " + e.getOriginalMessage());
        }
        SchemaReader reader = new SchemaReader(places, root);
        reader.reference("#");
        return GrammarCompiler.compile(parameter, reader.rules, "#");
    }

    EngineException.InvalidRequest error(String place, String problem) {
        return places.error(place, "the JSON schema cannot be used: " + problem + " at " + place);
    }

    /** The request's field that a place is in. */
    String field(String place) {
        return places.field(place);
    }

    /** A schema that accepts everything. */
    JsonNode anything() {
        return MAPPER.getNodeFactory().booleanNode(true);
    }

    /** Adds a rule under a name of its own. */
    Expression rule(Expression body) {
        String name = "fresh " + freshRules++;
        rules.put(name, body);
        return new Reference(name);
    }

    /** Values that a schema inside the root accepts. */
    Expression value(JsonNode schema, String place) {
        if (++depth > MAX_DEPTH) {
            throw error(place, "more than " + MAX_DEPTH + " schemas inside each other");
        }
        try {
            return values(schema, place);
        } finally {
            depth--;
        }
    }

    private Expression values(JsonNode schema, String place) {
        if (schema.isBoolean()) {
            if (!schema.booleanValue()) {
                throw error(place, "`false` accepts no value");
            }
            return JsonGrammar.VALUE;
        }
        if (!schema.isObject()) {
            throw error(place, "expected a schema (an object or true), found " + schema);
        }
        SchemaKeywords.check(places, place, schema);
        Expression value = combined(schema, place);
        return schema.path("nullable").asBoolean(false) ? Expression.choice(value, JsonGrammar.NULL) : value;
    }

    private Expression combined(JsonNode schema, String place) {
        for (String keyword : new String[] {"$ref", "allOf", "anyOf", "oneOf"}) {
            if (schema.has(keyword)) {
                JsonNode beside = without(schema, keyword);
                return switch (keyword) {
                    case "$ref" -> referred(schema.path("$ref"), beside, place);
                    case "allOf" -> all(list(schema, keyword, place), beside, place);
                    default -> oneOf(list(schema, keyword, place), beside, place, keyword);
                };
            }
        }
        if (schema.has("const")) {
            return literal(schema.path("const"));
        }
        if (schema.has("enum")) {
            return Expression.texts(
                    list(schema, "enum", place).stream().map(JsonNode::toString).toList());
        }
        return new TypedValues(this).read(schema, place);
    }

    static Expression literal(JsonNode value) {
        return Expression.text(value.toString());
    }

    private List<JsonNode> list(JsonNode schema, String keyword, String place) {
        JsonNode value = schema.path(keyword);
        if (!value.isArray() || value.isEmpty()) {
            throw error(place, "`" + keyword + "` must be a list that is not empty");
        }
        return value.valueStream().toList();
    }

    /** The schema without a keyword and without what says nothing about validity. */
    private static ObjectNode without(JsonNode schema, String keyword) {
        ObjectNode rest = ((ObjectNode) schema).deepCopy();
        rest.remove(keyword);
        rest.remove("nullable");
        List<String> names = new ArrayList<>(rest.propertyNames());
        names.removeIf(SchemaKeywords.SUPPORTED::contains);
        rest.remove(names);
        return rest;
    }

    private Expression referred(JsonNode ref, JsonNode beside, String place) {
        if (!ref.isString()) {
            throw error(place, "`$ref` must be a string");
        }
        return beside.isEmpty()
                ? reference(ref.stringValue())
                : value(merged(resolve(ref.stringValue(), place), beside, place), place);
    }

    private Reference reference(String ref) {
        if (!rules.containsKey(ref)) {
            // Known before its body is read, which may refer to it.
            rules.put(ref, Expression.EMPTY);
            int outer = depth;
            depth = 0;
            rules.put(ref, value(resolve(ref, ref), ref));
            depth = outer;
        }
        return new Reference(ref);
    }

    private JsonNode resolve(String ref, String place) {
        if (ref.equals("#")) {
            return root;
        }
        if (!ref.startsWith("#/")) {
            throw error(place, "`$ref` may only point into the schema itself (#/…), found " + ref);
        }
        JsonNode target = root;
        for (String step : ref.substring(2).split("/")) {
            String name = step.replace("~1", "/").replace("~0", "~");
            target = target.isArray() && name.matches("[0-9]{1,6}")
                    ? target.path(Integer.parseInt(name))
                    : target.path(name);
        }
        if (target.isMissingNode()) {
            throw error(place, "`$ref` points nowhere: " + ref);
        }
        return target;
    }

    private Expression all(List<JsonNode> schemas, JsonNode beside, String place) {
        JsonNode merged = beside;
        for (JsonNode schema : schemas) {
            merged = merged(plain(schema, place), merged, place + "/allOf");
        }
        return value(merged, place);
    }

    private Expression oneOf(List<JsonNode> schemas, JsonNode beside, String place, String keyword) {
        if (keyword.equals("oneOf")) {
            Optional<String> overlap = Disjoint.problem(
                    schemas.stream().map(schema -> plain(schema, place)).toList());
            if (overlap.isPresent()) {
                throw error(place, "`oneOf` whose alternatives may overlap (" + overlap.get() + "); use `anyOf`");
            }
        }
        List<Expression> alternatives = new ArrayList<>();
        for (int i = 0; i < schemas.size(); i++) {
            String at = place + "/" + keyword + "/" + i;
            JsonNode schema = beside.isEmpty() ? schemas.get(i) : merged(plain(schemas.get(i), at), beside, at);
            alternatives.add(value(schema, at));
        }
        return new Expression.Choice(alternatives);
    }

    /** A schema with its own {@code $ref} followed. */
    private JsonNode plain(JsonNode schema, String place) {
        JsonNode target = schema;
        for (int i = 0; target.path("$ref").isString(); i++) {
            if (i > MAX_DEPTH) {
                throw error(place, "`$ref`s that only point to each other");
            }
            JsonNode beside = without(target, "$ref");
            JsonNode next = resolve(target.path("$ref").stringValue(), place);
            target = beside.isEmpty() ? next : merged(next, beside, place);
        }
        return target;
    }

    /** A schema that says what two say. */
    private JsonNode merged(JsonNode one, JsonNode other, String place) {
        if (!one.isObject() || !other.isObject()) {
            throw error(place, "schemas that cannot be put together");
        }
        Map<String, JsonNode> all = new LinkedHashMap<>();
        one.properties().forEach(entry -> all.put(entry.getKey(), entry.getValue()));
        other.properties().forEach(entry -> {
            JsonNode mine = all.get(entry.getKey());
            all.put(
                    entry.getKey(),
                    mine == null || mine.equals(entry.getValue()) || SchemaKeywords.ANNOTATIONS.contains(entry.getKey())
                            ? entry.getValue()
                            : both(entry.getKey(), mine, entry.getValue(), place));
        });
        ObjectNode result = MAPPER.createObjectNode();
        all.forEach(result::set);
        return result;
    }

    private JsonNode both(String keyword, JsonNode one, JsonNode other, String place) {
        if (keyword.equals("required") && one.isArray() && other.isArray()) {
            return MAPPER.createArrayNode()
                    .addAll(java.util.stream.Stream.concat(one.valueStream(), other.valueStream())
                            .distinct()
                            .toList());
        }
        if (keyword.equals("properties") && one.isObject() && other.isObject()) {
            return merged(one, other, place + "/properties");
        }
        throw error(place, "`" + keyword + "` that is said twice and differently");
    }
}

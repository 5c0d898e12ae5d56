package dev.spandrel.engine.grammar;

import static dev.spandrel.engine.grammar.Expression.sequence;
import static dev.spandrel.engine.grammar.Expression.text;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** Values by their {@code type}; where none is given, the one that the other keywords speak of. */
final class TypedValues {
    private static final Set<String> OF_OBJECTS =
            Set.of("properties", "required", "additionalProperties", "minProperties", "maxProperties");
    private static final Set<String> OF_ARRAYS = Set.of("items", "prefixItems", "minItems", "maxItems", "uniqueItems");
    private static final Set<String> OF_STRINGS = Set.of("minLength", "maxLength", "pattern", "format");
    private static final Set<String> OF_NUMBERS = Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum");

    private final SchemaReader reader;

    TypedValues(SchemaReader reader) {
        this.reader = reader;
    }

    Expression read(JsonNode schema, String place) {
        List<Expression> alternatives = new ArrayList<>();
        for (String type : types(schema, place)) {
            alternatives.add(read(type, schema, place));
        }
        return alternatives.size() == 1 ? alternatives.getFirst() : new Expression.Choice(alternatives);
    }

    private Set<String> types(JsonNode schema, String place) {
        JsonNode type = schema.path("type");
        Set<String> types = new LinkedHashSet<>();
        if (type.isString()) {
            types.add(type.stringValue());
        } else if (type.isArray() && !type.isEmpty()) {
            type.forEach(each -> types.add(each.asString("?")));
        } else if (!type.isMissingNode()) {
            throw reader.error(place, "`type` must be a name or a list of names");
        } else {
            types.add(implied(schema));
        }
        return types;
    }

    private static String implied(JsonNode schema) {
        for (String keyword : schema.propertyNames()) {
            if (OF_OBJECTS.contains(keyword)) {
                return "object";
            }
            if (OF_ARRAYS.contains(keyword)) {
                return "array";
            }
            if (OF_STRINGS.contains(keyword)) {
                return "string";
            }
            if (OF_NUMBERS.contains(keyword)) {
                return "number";
            }
        }
        return "any";
    }

    private Expression read(String type, JsonNode schema, String place) {
        return switch (type) {
            case "any" -> JsonGrammar.VALUE;
            case "null" -> JsonGrammar.NULL;
            case "boolean" -> JsonGrammar.BOOLEAN;
            case "integer" -> new NumberSchema(reader).integer(schema, place);
            case "number" -> new NumberSchema(reader).number(schema, place);
            case "string" -> string(schema, place);
            case "array" -> new ArraySchema(reader).read(schema, place);
            case "object" -> new ObjectSchema(reader).read(schema, place);
            default ->
                throw reader.error(
                        place, "`type` must be null, boolean, integer, number, string, array or object, found " + type);
        };
    }

    private Expression string(JsonNode schema, String place) {
        boolean bounded = schema.has("minLength") || schema.has("maxLength");
        if ((schema.has("pattern") ? 1 : 0) + (schema.has("format") ? 1 : 0) + (bounded ? 1 : 0) > 1) {
            throw reader.error(place, "`pattern`, `format` and lengths together; use one of them");
        }
        Expression quote = text("\"");
        if (schema.has("pattern")) {
            String pattern = schema.path("pattern").asString("");
            return sequence(
                    quote, RegexParser.parse(reader.field(place), pattern, CharacterEncoding.JSON, true), quote);
        }
        if (schema.has("format")) {
            String pattern = StringFormats.pattern(schema.path("format").asString(""))
                    .orElseThrow(() -> reader.error(
                            place, "`format` " + schema.path("format") + "; supported are " + StringFormats.names()));
            return sequence(
                    quote, RegexParser.parse(reader.field(place), pattern, CharacterEncoding.JSON, false), quote);
        }
        if (!bounded) {
            return JsonGrammar.STRING;
        }
        int least = count(reader, schema, "minLength", 0, place);
        int most = count(reader, schema, "maxLength", Expression.Repeat.UNBOUNDED, place);
        if (least > most) {
            throw reader.error(place, "`minLength` is more than `maxLength`");
        }
        return sequence(quote, new Expression.Repeat(JsonGrammar.CHARACTER, least, most), quote);
    }

    /** A keyword that counts. */
    static int count(SchemaReader reader, JsonNode schema, String keyword, int otherwise, String place) {
        JsonNode value = schema.path(keyword);
        if (value.isMissingNode()) {
            return otherwise;
        }
        if (!value.isNumber()
                || value.doubleValue() < 0
                || value.doubleValue() > 1_000_000
                || value.doubleValue() != Math.rint(value.doubleValue())) {
            throw reader.error(place, "`" + keyword + "` must be a whole number from 0 to 1000000, found " + value);
        }
        return (int) value.doubleValue();
    }
}

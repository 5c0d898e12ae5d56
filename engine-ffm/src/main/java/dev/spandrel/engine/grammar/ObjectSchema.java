package dev.spandrel.engine.grammar;

import static dev.spandrel.engine.grammar.Expression.any;
import static dev.spandrel.engine.grammar.Expression.choice;
import static dev.spandrel.engine.grammar.Expression.sequence;
import static dev.spandrel.engine.grammar.Expression.text;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.StringNode;

/** Objects: their properties in the schema's order, those that are not required present or absent, then others if any. */
final class ObjectSchema {
    private static final int MAX_PROPERTIES = 1000;

    private final SchemaReader reader;

    ObjectSchema(SchemaReader reader) {
        this.reader = reader;
    }

    /** A member and whether it must be there. */
    private record Member(Expression expression, boolean required) {}

    Expression read(JsonNode schema, String place) {
        Map<String, JsonNode> properties = new LinkedHashMap<>();
        schema.path("properties").properties().forEach(entry -> properties.put(entry.getKey(), entry.getValue()));
        Set<String> required = new LinkedHashSet<>();
        schema.path("required").forEach(name -> required.add(name.asString("")));
        JsonNode additional = schema.path("additionalProperties");
        boolean open = additional.isMissingNode() ? !schema.has("properties") : !isFalse(additional);
        Expression other = !open
                ? null
                : additional.isObject()
                        ? reader.rule(reader.value(additional, place + "/additionalProperties"))
                        : JsonGrammar.VALUE;
        addRequired(required, properties, additional, place);
        checkCounts(schema, properties.size(), required.size(), open, place);
        List<Member> members = new ArrayList<>();
        properties.forEach((name, value) -> members.add(new Member(
                JsonGrammar.member(
                        Expression.text(StringNode.valueOf(name).toString()),
                        reader.value(value, place + "/properties/" + name)),
                required.contains(name))));
        return sequence(text("{"), JsonGrammar.SPACE, members(members, others(properties.keySet(), other)));
    }

    private static boolean isFalse(JsonNode schema) {
        return schema.isBoolean() && !schema.booleanValue();
    }

    /** Required names without a schema of their own take what additional properties may be. */
    private void addRequired(
            Set<String> required, Map<String, JsonNode> properties, JsonNode additional, String place) {
        for (String name : required) {
            if (!properties.containsKey(name)) {
                if (isFalse(additional)) {
                    throw reader.error(place, "`required` names \"" + name + "\", which no property allows");
                }
                properties.put(name, additional.isMissingNode() ? reader.anything() : additional);
            }
        }
        if (properties.size() > MAX_PROPERTIES) {
            throw reader.error(
                    place,
                    "an object of " + properties.size() + " properties; at most " + MAX_PROPERTIES + " are supported");
        }
    }

    /** Counts are only understood where the other keywords see to them anyway. */
    private void checkCounts(JsonNode schema, int named, int required, boolean open, String place) {
        int least = TypedValues.count(reader, schema, "minProperties", 0, place);
        int most = TypedValues.count(reader, schema, "maxProperties", Expression.Repeat.UNBOUNDED, place);
        if (least > required || most < named || open && most != Expression.Repeat.UNBOUNDED) {
            throw reader.error(
                    place, "`minProperties` or `maxProperties` that `required` and `properties` do not fulfil already");
        }
    }

    /** A member of another name, or null. */
    private Expression others(Set<String> names, Expression value) {
        return value == null
                ? null
                : JsonGrammar.member(names.isEmpty() ? JsonGrammar.STRING : OtherKeys.than(names), value);
    }

    /** Built from behind: what may follow each member, once before the first that is written and once behind it. */
    private Expression members(List<Member> members, Expression other) {
        Expression close = text("}");
        Expression end = sequence(JsonGrammar.SPACE, close);
        Expression next = other == null ? end : sequence(any(sequence(JsonGrammar.comma(), other)), end);
        Expression first =
                other == null ? close : choice(close, sequence(other, any(sequence(JsonGrammar.comma(), other)), end));
        for (Member member : members.reversed()) {
            Expression rest = reader.rule(next);
            Expression written = reader.rule(member.expression());
            Expression opening = sequence(written, rest);
            Expression following = sequence(JsonGrammar.comma(), written, rest);
            first = member.required() ? opening : choice(opening, reader.rule(first));
            next = member.required() ? following : choice(following, rest);
        }
        return first;
    }
}

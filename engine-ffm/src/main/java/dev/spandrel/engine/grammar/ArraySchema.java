package dev.spandrel.engine.grammar;

import static dev.spandrel.engine.grammar.Expression.sequence;
import static dev.spandrel.engine.grammar.Expression.text;

import java.util.List;
import tools.jackson.databind.JsonNode;

/** Arrays: {@code prefixItems}, {@code items} and how many. */
final class ArraySchema {
    private final SchemaReader reader;

    ArraySchema(SchemaReader reader) {
        this.reader = reader;
    }

    Expression read(JsonNode schema, String place) {
        if (schema.path("uniqueItems").asBoolean(false)) {
            throw reader.error(place, "`uniqueItems` is not supported");
        }
        int least = TypedValues.count(reader, schema, "minItems", 0, place);
        int most = TypedValues.count(reader, schema, "maxItems", Expression.Repeat.UNBOUNDED, place);
        List<JsonNode> prefix = schema.path("prefixItems").valueStream().toList();
        boolean open = !schema.path("items").isBoolean() || schema.path("items").booleanValue();
        most = open ? most : Math.min(most, prefix.size());
        if (least > most) {
            throw reader.error(place, "`minItems` asks for more items than there may be");
        }
        Expression item = !open || prefix.size() >= most
                ? null
                : schema.has("items")
                        ? reader.rule(reader.value(schema.path("items"), place + "/items"))
                        : JsonGrammar.VALUE;
        Expression end = sequence(JsonGrammar.SPACE, text("]"));
        return sequence(text("["), JsonGrammar.SPACE, items(prefix, item, least, most, end, place));
    }

    /** The rest of an array from each place on, built from behind: every place knows whether it may be the last. */
    private Expression items(
            List<JsonNode> prefix, Expression item, int least, int most, Expression end, String place) {
        int fixed = Math.min(prefix.size(), most);
        Expression rest = item == null ? end : more(item, fixed, least, most, end);
        for (int i = fixed - 1; i >= 0; i--) {
            Expression value = reader.value(prefix.get(i), place + "/prefixItems/" + i);
            Expression here = sequence(i == 0 ? Expression.EMPTY : JsonGrammar.comma(), value, reader.rule(rest));
            rest = i >= least ? Expression.choice(here, end) : here;
        }
        return rest;
    }

    private static Expression more(Expression item, int before, int least, int most, Expression end) {
        int needed = Math.max(0, least - before);
        int room = most == Expression.Repeat.UNBOUNDED ? most : most - before;
        Expression next = sequence(JsonGrammar.comma(), item);
        if (before > 0) {
            return sequence(new Expression.Repeat(next, needed, room), end);
        }
        Expression items = sequence(
                item,
                new Expression.Repeat(
                        next, Math.max(0, needed - 1), room == Expression.Repeat.UNBOUNDED ? room : room - 1));
        return sequence(needed == 0 ? Expression.optional(items) : items, end);
    }
}

package dev.spandrel.engine;

import java.util.List;
import java.util.Map;
import java.util.Objects;

/** A form that the output's text must have, whatever the model would rather say. */
public sealed interface OutputConstraint {
    /**
     * The text as a whole matches a regular expression.
     *
     * @param pattern in the common syntax of Python and JavaScript, without look-around and back references
     */
    record Regex(String pattern) implements OutputConstraint {
        public Regex {
            Objects.requireNonNull(pattern, "pattern");
        }
    }

    /** The text is one of these. */
    record Choice(List<String> choices) implements OutputConstraint {
        public Choice {
            choices = List.copyOf(choices);
        }
    }

    /** The text is a JSON object. */
    record JsonObject() implements OutputConstraint {}

    /**
     * The text is a JSON value that a schema accepts.
     *
     * @param schema JSON Schema as JSON text
     * @param fields by the place of a schema ({@code #}, {@code #/items}), the request's field that it comes from; errors
     *     name that field, and places within it. One is for {@code #}.
     */
    record JsonSchema(String schema, Map<String, String> fields) implements OutputConstraint {
        public JsonSchema {
            Objects.requireNonNull(schema, "schema");
            fields = Map.copyOf(fields);
            if (!fields.containsKey("#")) {
                throw new IllegalArgumentException("expected a field for #, found " + fields.keySet());
            }
        }

        /** The schema of {@code response_format}. */
        public JsonSchema(String schema) {
            this(schema, Map.of("#", "response_format"));
        }
    }
}

package dev.spandrel.engine;

import java.util.List;
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
     */
    record JsonSchema(String schema) implements OutputConstraint {
        public JsonSchema {
            Objects.requireNonNull(schema, "schema");
        }
    }
}

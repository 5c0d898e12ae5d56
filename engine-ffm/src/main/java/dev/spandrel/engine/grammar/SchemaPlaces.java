package dev.spandrel.engine.grammar;

import dev.spandrel.engine.EngineException;
import java.util.Comparator;
import java.util.Map;

/**
 * Where the parts of a schema stand in the request. A schema that is made of several says what is wrong in the words of the
 * one at fault, since its sender never saw the whole.
 *
 * @param fields the request's field by the place of its schema
 */
record SchemaPlaces(Map<String, String> fields) {
    /** The request's field that a place is in. */
    String field(String place) {
        return fields.get(origin(place));
    }

    /** What is wrong at a place, with places as the field's own schema has them. */
    EngineException.InvalidRequest error(String place, String problem) {
        String origin = origin(place);
        return new EngineException.InvalidRequest(fields.get(origin), problem.replace(origin, "#"));
    }

    private String origin(String place) {
        return fields.keySet().stream()
                .filter(origin -> place.equals(origin) || place.startsWith(origin + "/"))
                .max(Comparator.comparingInt(String::length))
                .orElse("#");
    }
}

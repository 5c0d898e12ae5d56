package dev.spandrel.engine.checkpoint;

import dev.spandrel.engine.checkpoint.SafetensorsHeader.Entry;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * Reads the JSON of one header token by token: a tree of a header near its limit would take many times its size. What is
 * well-formed JSON but no tensor becomes a problem of that tensor, and reading goes on.
 */
final class SafetensorsHeaderParser {
    /** More dimensions than any framework writes. */
    private static final int MAX_RANK = 32;

    private static final String METADATA = "__metadata__";

    private final String file;
    private final List<String> problems;
    private final Set<String> names = new HashSet<>();
    private final List<Entry> entries = new ArrayList<>();

    SafetensorsHeaderParser(String file, List<String> problems) {
        this.file = file;
        this.problems = problems;
    }

    /** @throws tools.jackson.core.JacksonException when it is no JSON, or goes on after its end */
    List<Entry> parse(byte[] json) {
        try (JsonParser parser = StrictJson.parser(json)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                parser.nextToken();
                if (!names.add(name)) {
                    problem(name, "named twice");
                    parser.skipChildren();
                } else if (name.equals(METADATA)) {
                    parser.skipChildren();
                } else {
                    entry(name, parser);
                }
            }
            StrictJson.end(parser);
        }
        return entries;
    }

    private void entry(String name, JsonParser parser) {
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            problem(name, "expected an object with dtype, shape and data_offsets, found " + parser.currentToken());
            parser.skipChildren();
            return;
        }
        String dtype = null;
        List<Long> shape = null;
        List<Long> offsets = null;
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String field = parser.currentName();
            JsonToken value = parser.nextToken();
            switch (field) {
                case "dtype" -> dtype = value == JsonToken.VALUE_STRING ? parser.getString() : null;
                case "shape" -> shape = sizes(parser);
                case "data_offsets" -> offsets = sizes(parser);
                default -> parser.skipChildren();
            }
        }
        add(name, dtype, shape, offsets);
    }

    private void add(String name, String dtype, List<Long> shape, List<Long> offsets) {
        if (dtype == null || shape == null || offsets == null) {
            problem(
                    name,
                    "expected a dtype name, a shape of at most " + MAX_RANK
                            + " whole numbers and two data_offsets, found no usable "
                            + (dtype == null ? "dtype" : shape == null ? "shape" : "data_offsets"));
        } else if (offsets.size() != 2 || offsets.getFirst() > offsets.getLast()) {
            problem(name, "expected data_offsets [begin, end] with begin <= end, found " + offsets);
        } else {
            entries.add(new Entry(name, dtype, shape, offsets.getFirst(), offsets.getLast()));
        }
    }

    /** An array of numbers from 0 to 2^63-1; null when the value is anything else, which is skipped. */
    private static List<Long> sizes(JsonParser parser) {
        if (parser.currentToken() != JsonToken.START_ARRAY) {
            parser.skipChildren();
            return null;
        }
        List<Long> sizes = new ArrayList<>();
        boolean usable = true;
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            boolean number = parser.currentToken() == JsonToken.VALUE_NUMBER_INT
                    && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER
                    && parser.getLongValue() >= 0;
            usable &= number && sizes.size() < MAX_RANK;
            if (usable) {
                sizes.add(parser.getLongValue());
            }
            parser.skipChildren();
        }
        return usable ? sizes : null;
    }

    private void problem(String name, String what) {
        problems.add(file + ": tensor " + name + ": " + what);
    }
}

package dev.spandrel.server.openai;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/**
 * The fields of a request body, read as leniently as vLLM reads them ({@code "true"} is a boolean, {@code "10"} and
 * {@code 10.0} are integers, null is absent). What is wrong is collected, so that {@link #check} can name all of it in
 * one answer.
 */
final class RequestFields {
    private static final Set<String> YES = Set.of("true", "t", "yes", "y", "on", "1");
    private static final Set<String> NO = Set.of("false", "f", "no", "n", "off", "0");
    private static final int SHOWN = 60;

    private final JsonNode body;
    private final String path;
    private final List<Problem> problems;

    /** What is wrong with the value at a place such as {@code body.prompt}. */
    private record Problem(String place, String text) {}

    private RequestFields(JsonNode body, String path, List<Problem> problems) {
        this.body = body;
        this.path = path;
        this.problems = problems;
    }

    /**
     * Parses a body that must be one JSON object.
     *
     * @throws OpenAiException 400, when it is not
     */
    static RequestFields parse(byte[] bytes) {
        JsonNode body;
        try {
            body = Json.parse(bytes);
        } catch (JacksonException e) {
            throw new OpenAiException(OpenAiError.schema("body", one("body", "not valid JSON: " + reason(e))));
        }
        if (!body.isObject()) {
            String found = body.isMissingNode() ? "an empty body" : shown(body);
            throw new OpenAiException(
                    OpenAiError.schema("body", one("body", "expected a JSON object, found " + found)));
        }
        return of(body);
    }

    /** The fields of an object that is parsed already. */
    static RequestFields of(JsonNode object) {
        return new RequestFields(object, "body", new ArrayList<>());
    }

    private static String reason(JacksonException e) {
        String at = e.getLocation() == null
                ? ""
                : " at line " + e.getLocation().getLineNr() + ", column "
                        + e.getLocation().getColumnNr();
        // Where an open bracket stands, the parser tells in the words of its own settings.
        return e.getOriginalMessage()
                        .lines()
                        .findFirst()
                        .orElse("unreadable")
                        .replaceFirst(" \\(start marker at .*", "")
                + at;
    }

    private static String one(String place, String text) {
        return "1 validation error:\n  " + place + ": " + text;
    }

    /** The same body with another value of one field; what is wrong with it is noted apart. */
    RequestFields with(String name, JsonNode value) {
        ObjectNode copy = ((ObjectNode) body).objectNode();
        body.properties().forEach(field -> copy.set(field.getKey(), field.getValue()));
        copy.set(name, value);
        return of(copy);
    }

    /** The value of a field; missing and null are both {@code null}. */
    JsonNode get(String name) {
        JsonNode value = body.get(name);
        return value == null || value.isNull() ? null : value;
    }

    Optional<String> string(String name) {
        JsonNode value = get(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!value.isString()) {
            problem(name, "a string", value);
            return Optional.empty();
        }
        return Optional.of(value.stringValue());
    }

    boolean bool(String name, boolean absent) {
        JsonNode value = get(name);
        if (value == null) {
            return absent;
        }
        Optional<Boolean> read = bool(value);
        if (read.isEmpty()) {
            problem(name, "a boolean", value);
        }
        return read.orElse(absent);
    }

    /** A value as a boolean, or empty when it is nothing like one. */
    static Optional<Boolean> bool(JsonNode value) {
        if (value.isBoolean()) {
            return Optional.of(value.booleanValue());
        }
        String text = value.isString() ? value.stringValue() : value.isNumber() ? value.asString() : "";
        String lower = text.toLowerCase(Locale.ROOT);
        return YES.contains(lower)
                ? Optional.of(true)
                : NO.contains(lower) ? Optional.of(false) : Optional.<Boolean>empty();
    }

    OptionalInt integer(String name) {
        OptionalLong value = longInteger(name);
        if (value.isEmpty()) {
            return OptionalInt.empty();
        }
        if (value.getAsLong() != (int) value.getAsLong()) {
            problem(name, "an integer of 32 bits", get(name));
            return OptionalInt.empty();
        }
        return OptionalInt.of((int) value.getAsLong());
    }

    OptionalLong longInteger(String name) {
        JsonNode value = get(name);
        if (value == null) {
            return OptionalLong.empty();
        }
        Optional<BigDecimal> number = number(value);
        try {
            if (number.isPresent() && number.get().precision() - number.get().scale() <= 20) {
                return OptionalLong.of(number.get().longValueExact());
            }
        } catch (ArithmeticException e) {
            // A fraction, or beyond 64 bits: said below like any other wrong type.
        }
        problem(name, "an integer of 64 bits", value);
        return OptionalLong.empty();
    }

    OptionalDouble decimal(String name) {
        JsonNode value = get(name);
        if (value == null) {
            return OptionalDouble.empty();
        }
        Optional<BigDecimal> number = number(value);
        if (number.isEmpty()) {
            problem(name, "a number", value);
            return OptionalDouble.empty();
        }
        return OptionalDouble.of(number.get().doubleValue());
    }

    /** A value as a number, or empty when it is nothing like one. */
    static Optional<BigDecimal> number(JsonNode value) {
        if (value.isBoolean()) {
            return Optional.of(value.booleanValue() ? BigDecimal.ONE : BigDecimal.ZERO);
        }
        if (!value.isNumber() && !value.isString()) {
            return Optional.empty();
        }
        String text = value.isString() ? value.stringValue().strip() : value.asString();
        try {
            return text.length() > 100 ? Optional.empty() : Optional.of(new BigDecimal(text));
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** A string, or an array of strings; empty when absent. */
    List<String> strings(String name) {
        JsonNode value = get(name);
        if (value == null) {
            return List.of();
        }
        if (value.isString()) {
            return List.of(value.stringValue());
        }
        if (!value.isArray()) {
            problem(name, "a string or an array of strings", value);
            return List.of();
        }
        List<String> strings = new ArrayList<>();
        for (JsonNode item : value) {
            if (item.isString()) {
                strings.add(item.stringValue());
            } else {
                problem(name + "." + strings.size(), "a string", item);
                return List.of();
            }
        }
        return strings;
    }

    /** An array of integers; empty when absent. */
    List<Integer> integers(String name) {
        JsonNode value = get(name);
        if (value == null) {
            return List.of();
        }
        if (!value.isArray()) {
            problem(name, "an array of integers", value);
            return List.of();
        }
        List<Integer> integers = new ArrayList<>(value.size());
        for (JsonNode item : value) {
            if (!item.isInt()) {
                problem(name + "." + integers.size(), "an integer of 32 bits", item);
                return List.of();
            }
            integers.add(item.intValue());
        }
        return integers;
    }

    /** An object whose keys are integers and whose values are numbers; empty when absent. */
    Map<Integer, Double> numbersByInteger(String name) {
        JsonNode value = get(name);
        if (value == null) {
            return Map.of();
        }
        if (!value.isObject()) {
            problem(name, "an object", value);
            return Map.of();
        }
        Map<Integer, Double> numbers = new LinkedHashMap<>();
        value.properties().forEach(entry -> {
            Optional<BigDecimal> number = number(entry.getValue());
            if (!entry.getKey().matches("-?[0-9]{1,9}")) {
                problem(name, "integers as keys", StringNode.valueOf(entry.getKey()));
            } else if (number.isEmpty()) {
                problem(name + "." + entry.getKey(), "a number", entry.getValue());
            } else {
                numbers.put(Integer.parseInt(entry.getKey()), number.get().doubleValue());
            }
        });
        return numbers;
    }

    /** The fields of an object inside this one; empty when absent. */
    Optional<RequestFields> object(String name) {
        JsonNode value = get(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!value.isObject()) {
            problem(name, "an object", value);
            return Optional.empty();
        }
        return Optional.of(nested(name, value));
    }

    /** The fields of an object found inside this one. */
    RequestFields nested(String name, JsonNode object) {
        return new RequestFields(object, path + "." + name, problems);
    }

    /** Notes that a field holds something else than it must. */
    void problem(String name, String expected, JsonNode found) {
        problems.add(new Problem(path + "." + name, "expected " + expected + ", found " + shown(found)));
    }

    /** Notes that a field is missing. */
    void missing(String name) {
        problems.add(new Problem(path + "." + name, "field required"));
    }

    /**
     * Throws if anything was wrong so far.
     *
     * @throws OpenAiException 400, with every problem noted
     */
    void check() {
        if (problems.isEmpty()) {
            return;
        }
        StringBuilder message = new StringBuilder(problems.size() == 1 ? "1 validation error:" : "");
        if (problems.size() > 1) {
            message.append(problems.size()).append(" validation errors:");
        }
        problems.forEach(problem ->
                message.append("\n  ").append(problem.place()).append(": ").append(problem.text()));
        throw new OpenAiException(OpenAiError.schema(problems.getFirst().place(), message.toString()));
    }

    private static String shown(JsonNode value) {
        if (value == null || value.isNull()) {
            return "null";
        }
        if (value.isArray()) {
            return "an array";
        }
        if (value.isObject()) {
            return "an object";
        }
        String text = value.asString();
        String cut = text.length() > SHOWN ? text.substring(0, SHOWN) + "…" : text;
        return value.isString() ? "the string \"" + cut + "\"" : cut;
    }
}

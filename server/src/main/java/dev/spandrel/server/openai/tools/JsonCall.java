package dev.spandrel.server.openai.tools;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One call written as a JSON object with {@code name} and {@code arguments} or {@code parameters}, read character by
 * character: the arguments are passed on as they come, once the name is known.
 */
final class JsonCall {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    private final StringBuilder raw = new StringBuilder();
    private final StringBuilder arguments = new StringBuilder();
    private final StringBuilder token = new StringBuilder();
    private int depth;
    private boolean inString;
    private boolean escaped;
    private boolean inValue;
    private String key = "";
    private String name;
    private boolean announced;
    private boolean written;
    private boolean over;

    /** Whether the object is complete. */
    boolean over() {
        return over;
    }

    /** What was read, where it turned out to be no call. */
    String text() {
        return raw.toString();
    }

    /** Whether it was a call. */
    boolean isCall() {
        return announced;
    }

    /** Takes the next character of the object, the first of which is its brace. */
    void append(char c) {
        raw.append(c);
        if (inString) {
            value(c);
            token.append(c);
            inString = escaped || c != '"';
            escaped = !escaped && c == '\\';
            return;
        }
        boolean top = depth == 1;
        if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        }
        if (top && (c == ',' || depth == 0)) {
            endValue();
            over = depth == 0;
        } else if (top && c == ':' && !inValue) {
            key = decoded(token.toString());
            token.setLength(0);
            inValue = true;
        } else {
            value(c);
            inString = c == '"';
            if (inString && top) {
                token.setLength(0);
            }
            if (!Character.isWhitespace(c) && depth > 0) {
                token.append(c);
            }
        }
    }

    private void value(char c) {
        if (inValue && isArguments()) {
            arguments.append(c);
        }
    }

    private boolean isArguments() {
        return key.equals("arguments") || key.equals("parameters");
    }

    private void endValue() {
        if (inValue && key.equals("name")) {
            name = decoded(token.toString());
        }
        token.setLength(0);
        inValue = false;
    }

    /** Some models write the arguments as a string that holds JSON. */
    private static String decoded(String literal) {
        try {
            JsonNode value = MAPPER.readTree(literal);
            return value.isString() ? value.stringValue() : literal;
        } catch (JacksonException e) {
            return literal;
        }
    }

    /** Tells what has become certain. */
    void tell(ToolCallSink sink) {
        if (name == null) {
            return;
        }
        if (!announced) {
            announced = true;
            sink.call(name);
        }
        boolean text = !written && arguments.toString().stripLeading().startsWith("\"");
        if (over) {
            String rest = arguments.toString().strip();
            rest = text ? decoded(rest) : written ? arguments.toString().stripTrailing() : rest;
            arguments.setLength(0);
            if (!written && rest.isEmpty()) {
                rest = "{}";
            }
            if (!rest.isEmpty()) {
                sink.arguments(rest);
            }
        } else if (!text) {
            pass(sink);
        }
    }

    /** All but white space at the end, which may not belong to the value. */
    private void pass(ToolCallSink sink) {
        String all = arguments.toString();
        String piece = written ? all.stripTrailing() : all.strip();
        if (!piece.isEmpty()) {
            String rest = all.substring(all.stripTrailing().length());
            arguments.setLength(0);
            arguments.append(rest);
            written = true;
            sink.arguments(piece);
        }
    }
}

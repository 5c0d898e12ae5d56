package dev.spandrel.server.openai.tools;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads {@code [name(key=literal, …), …]}; literals are strings, numbers, True, False, None, lists and dictionaries. */
final class PythonCalls {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();
    private static final int MAX_DEPTH = 50;

    private final String text;
    private int at;
    private int depth;

    /** A call with its arguments as JSON text. */
    record Call(String name, String arguments) {}

    /** The text is something else. */
    static final class NotCalls extends Exception {
        private static final long serialVersionUID = 1L;
    }

    PythonCalls(String text) {
        this.text = text;
    }

    List<Call> read() throws NotCalls {
        List<Call> calls = new ArrayList<>();
        expect('[');
        do {
            String name = name();
            expect('(');
            ObjectNode arguments = MAPPER.createObjectNode();
            while (!take(')')) {
                String key = name();
                expect('=');
                arguments.set(key, value());
                if (!take(',') && peek() != ')') {
                    throw new NotCalls();
                }
            }
            calls.add(new Call(name, arguments.toString()));
        } while (take(','));
        expect(']');
        if (at < text.length()) {
            throw new NotCalls();
        }
        return calls;
    }

    private char peek() {
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
        return at < text.length() ? text.charAt(at) : 0;
    }

    private boolean take(char c) {
        boolean found = peek() == c;
        at += found ? 1 : 0;
        return found;
    }

    private void expect(char c) throws NotCalls {
        if (!take(c)) {
            throw new NotCalls();
        }
    }

    private String name() throws NotCalls {
        peek();
        int from = at;
        while (at < text.length()
                && (Character.isLetterOrDigit(text.charAt(at)) || "_.-".indexOf(text.charAt(at)) >= 0)) {
            at++;
        }
        if (at == from) {
            throw new NotCalls();
        }
        return text.substring(from, at);
    }

    private JsonNode value() throws NotCalls {
        if (++depth > MAX_DEPTH) {
            throw new NotCalls();
        }
        char c = peek();
        JsonNode value = c == '\'' || c == '"'
                ? MAPPER.getNodeFactory().stringNode(string(c))
                : take('[') ? list() : take('{') ? dictionary() : word();
        depth--;
        return value;
    }

    private ArrayNode list() throws NotCalls {
        ArrayNode list = MAPPER.createArrayNode();
        while (!take(']')) {
            list.add(value());
            if (!take(',') && peek() != ']') {
                throw new NotCalls();
            }
        }
        return list;
    }

    private ObjectNode dictionary() throws NotCalls {
        ObjectNode dictionary = MAPPER.createObjectNode();
        while (!take('}')) {
            char quote = peek();
            if (quote != '\'' && quote != '"') {
                throw new NotCalls();
            }
            String key = string(quote);
            expect(':');
            dictionary.set(key, value());
            if (!take(',') && peek() != '}') {
                throw new NotCalls();
            }
        }
        return dictionary;
    }

    private String string(char quote) throws NotCalls {
        StringBuilder out = new StringBuilder();
        for (at++; at < text.length() && text.charAt(at) != quote; at++) {
            if (text.charAt(at) == '\\' && at + 1 < text.length()) {
                at++;
                escape(out);
            } else {
                out.append(text.charAt(at));
            }
        }
        if (at++ >= text.length()) {
            throw new NotCalls();
        }
        return out.toString();
    }

    /** What follows a backslash (Python's language reference, 2.4.1.1); one that means nothing stands for itself. */
    private void escape(StringBuilder out) throws NotCalls {
        char c = text.charAt(at);
        int simple = "\\'\"abfnrtv".indexOf(c);
        if (simple >= 0) {
            out.append("\\'\"\u0007\b\f\n\r\t\u000b".charAt(simple));
        } else if (c == 'x' || c == 'u' || c == 'U') {
            code(out, at + 1, c == 'x' ? 2 : c == 'u' ? 4 : 8, 16);
        } else if (c >= '0' && c <= '7') {
            int end = at;
            while (end < text.length() && end < at + 3 && text.charAt(end) >= '0' && text.charAt(end) <= '7') {
                end++;
            }
            code(out, at, end - at, 8);
        } else if (c != '\n') {
            out.append('\\').append(c);
        }
    }

    private void code(StringBuilder out, int from, int digits, int radix) throws NotCalls {
        int end = from + digits;
        try {
            out.appendCodePoint(Integer.parseInt(text.substring(from, Math.min(end, text.length())), radix));
        } catch (IllegalArgumentException e) {
            throw new NotCalls();
        }
        at = end - 1;
    }

    private JsonNode word() throws NotCalls {
        String word = text.startsWith("-", at) || text.startsWith("+", at) ? text.charAt(at++) + name() : name();
        return switch (word) {
            case "True" -> MAPPER.getNodeFactory().booleanNode(true);
            case "False" -> MAPPER.getNodeFactory().booleanNode(false);
            case "None" -> MAPPER.getNodeFactory().nullNode();
            default -> {
                if (!word.matches("[+-]?[0-9]{1,18}(\\.[0-9]{1,18})?([eE]-?[0-9]{1,3})?")) {
                    throw new NotCalls();
                }
                yield word.matches("[+-]?[0-9]+")
                        ? MAPPER.getNodeFactory().numberNode(Long.parseLong(word))
                        : MAPPER.getNodeFactory().numberNode(Double.parseDouble(word));
            }
        };
    }
}

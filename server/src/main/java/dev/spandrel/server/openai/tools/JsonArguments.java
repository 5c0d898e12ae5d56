package dev.spandrel.server.openai.tools;

/** One JSON value as the arguments of a call that is announced already; what follows the value is left out. */
final class JsonArguments {
    private int depth;
    private boolean inString;
    private boolean escaped;
    private boolean over;

    void append(String text, ToolCallSink sink) {
        int end = 0;
        while (end < text.length() && !over) {
            next(text.charAt(end++));
        }
        if (end > 0) {
            sink.arguments(text.substring(0, end));
        }
    }

    private void next(char c) {
        if (inString) {
            inString = escaped || c != '"';
            escaped = !escaped && c == '\\';
            return;
        }
        inString = c == '"';
        if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            over = --depth == 0;
        }
    }
}

package dev.spandrel.server.openai.tools;

/**
 * An answer that is a list of calls in Python's syntax with literal arguments. Since only its end shows whether it is one,
 * an answer that begins with a bracket is held back whole.
 */
final class PythonicToolCalls implements ToolCallParser {
    private final StringBuilder text = new StringBuilder();
    private boolean content;

    @Override
    public void append(String piece, ToolCallSink sink) {
        if (content) {
            sink.content(piece);
            return;
        }
        text.append(piece);
        String begun = text.toString().stripLeading();
        content = !begun.isEmpty() && begun.charAt(0) != '[';
        if (content) {
            sink.content(text.toString());
        }
    }

    @Override
    public void finish(ToolCallSink sink) {
        if (content || text.isEmpty()) {
            return;
        }
        try {
            new PythonCalls(text.toString().strip()).read().forEach(call -> {
                sink.call(call.name());
                sink.arguments(call.arguments());
            });
        } catch (PythonCalls.NotCalls e) {
            sink.content(text.toString());
        }
    }
}

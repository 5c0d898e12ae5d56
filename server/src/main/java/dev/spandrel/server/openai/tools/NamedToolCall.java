package dev.spandrel.server.openai.tools;

/** An answer that is nothing but the arguments of one call, whose name the client chose. */
public final class NamedToolCall implements ToolCallParser {
    private final String name;
    private boolean begun;

    public NamedToolCall(String name) {
        this.name = name;
    }

    @Override
    public void append(String text, ToolCallSink sink) {
        if (!begun) {
            begun = true;
            sink.call(name);
        }
        if (!text.isEmpty()) {
            sink.arguments(text);
        }
    }

    @Override
    public void finish(ToolCallSink sink) {
        append("", sink);
    }
}

package dev.spandrel.server.openai.tools;

/** An answer that is a JSON list of calls, as the form of {@code tool_choice} required makes it. */
public final class ListedToolCalls implements ToolCallParser {
    private final JsonCalls calls = new JsonCalls();

    @Override
    public void append(String text, ToolCallSink sink) {
        String rest = calls.append(text, sink);
        if (!rest.isEmpty()) {
            sink.content(rest);
        }
    }

    @Override
    public void finish(ToolCallSink sink) {
        calls.finish(sink);
    }
}

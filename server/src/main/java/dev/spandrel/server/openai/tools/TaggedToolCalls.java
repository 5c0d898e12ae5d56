package dev.spandrel.server.openai.tools;

/** {@code <tool_call>{…}</tool_call>}, with content before, between and behind. */
final class TaggedToolCalls implements ToolCallParser {
    private static final String OPEN = "<tool_call>";
    private static final String CLOSE = "</tool_call>";

    private final HeldText content = new HeldText(OPEN);
    private final HeldText inside = new HeldText(CLOSE);
    private JsonCalls calls;
    private boolean called;

    @Override
    public void append(String text, ToolCallSink sink) {
        if (calls == null) {
            outside(text, sink);
        } else {
            inside(text, sink);
        }
    }

    private void outside(String text, ToolCallSink sink) {
        content.append(text);
        content(content.takeBeforeMark(), sink);
        if (content.takeMark()) {
            calls = new JsonCalls();
            inside(content.takeAll(), sink);
        }
    }

    private void inside(String text, ToolCallSink sink) {
        inside.append(text);
        String stray = calls.append(inside.takeBeforeMark(), sink);
        if (!stray.isBlank()) {
            sink.content(stray);
        }
        if (inside.takeMark()) {
            calls.finish(sink);
            called |= calls.any();
            calls = null;
            outside(inside.takeAll(), sink);
        }
    }

    /** White space around calls is no content. */
    private void content(String text, ToolCallSink sink) {
        if (!text.isEmpty() && !(called && text.isBlank())) {
            sink.content(text);
        }
    }

    @Override
    public void finish(ToolCallSink sink) {
        if (calls == null) {
            content(content.takeAll(), sink);
        } else {
            calls.append(inside.takeAll(), sink);
            calls.finish(sink);
        }
    }
}

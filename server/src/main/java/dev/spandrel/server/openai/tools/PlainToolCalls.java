package dev.spandrel.server.openai.tools;

/** An answer that is calls from its first brace on, or content. */
final class PlainToolCalls implements ToolCallParser {
    private static final String TAG = "<|python_tag|>";

    private final StringBuilder start = new StringBuilder();
    private final JsonCalls calls = new JsonCalls();
    private boolean decided;
    private boolean content;

    @Override
    public void append(String text, ToolCallSink sink) {
        if (!decided) {
            start.append(text);
            String begun = start.toString().stripLeading();
            if (begun.isEmpty()
                    || TAG.startsWith(begun)
                    || begun.startsWith(TAG) && begun.substring(TAG.length()).isBlank()) {
                return;
            }
            decided = true;
            String body = begun.startsWith(TAG) ? begun.substring(TAG.length()) : begun;
            content = !body.stripLeading().startsWith("{");
            pass(content ? start.toString() : body, sink);
        } else {
            pass(text, sink);
        }
    }

    private void pass(String text, ToolCallSink sink) {
        String rest = content ? text : calls.append(text, sink);
        if (!rest.isEmpty()) {
            content = true;
            sink.content(rest);
        }
    }

    @Override
    public void finish(ToolCallSink sink) {
        if (!decided && !start.isEmpty()) {
            sink.content(start.toString());
        }
        calls.finish(sink);
    }
}

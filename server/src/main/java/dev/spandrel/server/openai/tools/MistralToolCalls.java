package dev.spandrel.server.openai.tools;

/**
 * {@code [TOOL_CALLS]} and then a list of JSON objects; newer models write the name and the arguments bare, with
 * {@code [ARGS]} between them, and the mark before each call.
 */
final class MistralToolCalls implements ToolCallParser {
    private static final String MARK = "[TOOL_CALLS]";
    private static final String ARGUMENTS = "[ARGS]";

    private final HeldText text = new HeldText(MARK);
    private final StringBuilder start = new StringBuilder();
    private JsonCalls list;
    private JsonArguments bare;
    private boolean called;

    @Override
    public void append(String piece, ToolCallSink sink) {
        text.append(piece);
        do {
            pass(text.takeBeforeMark(), sink);
        } while (mark(sink));
    }

    private boolean mark(ToolCallSink sink) {
        if (!text.takeMark()) {
            return false;
        }
        finishCalls(sink);
        called = true;
        list = null;
        bare = null;
        start.setLength(0);
        return true;
    }

    private void pass(String piece, ToolCallSink sink) {
        if (piece.isEmpty()) {
            return;
        }
        if (!called) {
            sink.content(piece);
        } else if (list != null) {
            list.append(piece, sink);
        } else if (bare != null) {
            bare.append(piece, sink);
        } else {
            start.append(piece);
            begin(sink);
        }
    }

    /** A list begins with a bracket or brace, a name with a letter and ends where the arguments begin. */
    private void begin(ToolCallSink sink) {
        String begun = start.toString().stripLeading();
        if (begun.startsWith("[") || begun.startsWith("{")) {
            list = new JsonCalls();
            list.append(begun, sink);
        } else if (begun.indexOf('{') > 0) {
            String name = begun.substring(0, begun.indexOf('{')).strip();
            sink.call(name.endsWith(ARGUMENTS) ? name.substring(0, name.length() - ARGUMENTS.length()) : name);
            bare = new JsonArguments();
            bare.append(begun.substring(begun.indexOf('{')), sink);
        }
    }

    private void finishCalls(ToolCallSink sink) {
        if (list != null) {
            list.finish(sink);
        } else if (bare == null && called && !start.isEmpty()) {
            sink.content(start.toString());
        }
    }

    @Override
    public void finish(ToolCallSink sink) {
        pass(text.takeAll(), sink);
        finishCalls(sink);
    }
}

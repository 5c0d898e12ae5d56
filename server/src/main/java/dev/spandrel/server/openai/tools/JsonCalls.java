package dev.spandrel.server.openai.tools;

/**
 * Calls as JSON objects one after another, with anything of white space, commas, semicolons and square brackets between
 * them. The first other character ends them.
 */
final class JsonCalls {
    private JsonCall call;
    private boolean any;

    /** Whether a call has been read, or is being read. */
    boolean any() {
        return any;
    }

    /**
     * Takes text as far as it belongs to calls.
     *
     * @return what does not
     */
    String append(String text, ToolCallSink sink) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (call == null && c == '{') {
                call = new JsonCall();
            }
            if (call != null) {
                call.append(c);
                if (call.over()) {
                    end(sink);
                }
            } else if (!Character.isWhitespace(c) && ",;[]".indexOf(c) < 0) {
                return text.substring(i);
            }
        }
        if (call != null) {
            call.tell(sink);
            any |= call.isCall();
        }
        return "";
    }

    private void end(ToolCallSink sink) {
        call.tell(sink);
        any |= call.isCall();
        if (!call.isCall()) {
            sink.content(call.text());
        }
        call = null;
    }

    /** Gives out an object that was cut off before it could be called a call. */
    void finish(ToolCallSink sink) {
        if (call != null && !call.isCall()) {
            sink.content(call.text());
        }
        call = null;
    }
}

package dev.spandrel.server.openai;

import dev.spandrel.server.openai.tools.ToolCallParser;
import dev.spandrel.server.openai.tools.ToolCallSink;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** The calls of one choice: those that are complete so far, and what the latest text added to them. */
final class ToolCallCollector implements ToolCallSink {
    private final ToolCallParser parser;
    private final boolean parallel;
    private final Supplier<String> ids;
    private final List<ToolCall> calls = new ArrayList<>();
    private final List<ToolCall> news = new ArrayList<>();
    private final StringBuilder content = new StringBuilder();
    private boolean surplus;

    /**
     * @param parallel whether there may be several calls; of more than one the first counts then
     * @param ids of new calls
     */
    ToolCallCollector(ToolCallParser parser, boolean parallel, Supplier<String> ids) {
        this.parser = parser;
        this.parallel = parallel;
        this.ids = ids;
    }

    /** Reads more text; the answer is what it adds. */
    MessageDelta append(String text) {
        if (!text.isEmpty()) {
            parser.append(text, this);
        }
        return take();
    }

    /** The text is over; the answer is what was held back. */
    MessageDelta finish() {
        parser.finish(this);
        return take();
    }

    private MessageDelta take() {
        MessageDelta delta = new MessageDelta(content.isEmpty() ? null : content.toString(), news);
        content.setLength(0);
        news.clear();
        return delta;
    }

    /** All calls so far, whole. */
    List<ToolCall> calls() {
        return calls;
    }

    @Override
    public void content(String text) {
        content.append(text);
    }

    @Override
    public void call(String name) {
        surplus = !parallel && !calls.isEmpty();
        if (surplus) {
            return;
        }
        ToolCall call = new ToolCall(calls.size(), ids.get(), name, "");
        calls.add(call);
        news.add(call);
    }

    @Override
    public void arguments(String piece) {
        if (surplus) {
            return;
        }
        ToolCall call = calls.removeLast();
        calls.add(new ToolCall(call.index(), call.id(), call.name(), call.arguments() + piece));
        ToolCall last = news.isEmpty() ? null : news.getLast();
        if (last != null && last.index() == call.index()) {
            news.removeLast();
            news.add(new ToolCall(last.index(), last.id(), last.name(), last.arguments() + piece));
        } else {
            news.add(new ToolCall(call.index(), null, null, piece));
        }
    }
}

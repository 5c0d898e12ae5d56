package dev.spandrel.server.openai.tools;

import java.util.ArrayList;
import java.util.List;

/** What a parser found. */
final class FoundCalls implements ToolCallSink {
    final StringBuilder content = new StringBuilder();
    final List<String> names = new ArrayList<>();
    final List<StringBuilder> arguments = new ArrayList<>();

    @Override
    public void content(String text) {
        content.append(text);
    }

    @Override
    public void call(String name) {
        names.add(name);
        arguments.add(new StringBuilder());
    }

    @Override
    public void arguments(String piece) {
        arguments.getLast().append(piece);
    }

    /** The text, then each call as name and arguments behind a bar. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(content.toString().strip());
        for (int i = 0; i < names.size(); i++) {
            text.append('|').append(names.get(i)).append(' ').append(arguments.get(i));
        }
        return text.toString();
    }
}

package dev.spandrel.server.openai.tools;

/**
 * Reads the tool calls of one answer as its text comes. What may still become a call is held back, and given out as content
 * when it does not. For one thread.
 */
public interface ToolCallParser {
    /** Takes the next piece of text. */
    void append(String text, ToolCallSink sink);

    /** The text is over; gives out what was held back. */
    void finish(ToolCallSink sink);
}

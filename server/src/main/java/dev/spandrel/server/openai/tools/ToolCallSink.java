package dev.spandrel.server.openai.tools;

/** Takes what a {@link ToolCallParser} finds, in order. */
public interface ToolCallSink {
    /** Text that is no call. */
    void content(String text);

    /** A new call begins. */
    void call(String name);

    /** More of the arguments of the latest call, a piece of JSON text. */
    void arguments(String piece);
}

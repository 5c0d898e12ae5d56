package dev.spandrel.server.openai;

/**
 * A call, or a piece of one in a stream.
 *
 * @param index counts the calls of a choice
 * @param id null in a piece that only goes on
 * @param name null likewise
 * @param arguments JSON text, or a piece of it
 */
record ToolCall(int index, String id, String name, String arguments) {}

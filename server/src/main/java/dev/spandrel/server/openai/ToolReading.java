package dev.spandrel.server.openai;

/**
 * What reading the calls that a model wrote of its own accord ({@code tool_choice} auto) came to.
 *
 * @param requestType as vLLM's metrics name the endpoint: {@code chat_completions}, {@code responses} or {@code other}
 * @param withCalls choices in which calls were found
 * @param withoutCalls choices in which none was
 */
public record ToolReading(String requestType, int withCalls, int withoutCalls) {}

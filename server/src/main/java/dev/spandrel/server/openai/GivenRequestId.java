package dev.spandrel.server.openai;

/**
 * The id under which an HTTP request is known, left in its context by whoever answers with an {@code X-Request-Id} header.
 *
 * @param value the client's own, or one drawn for it
 */
public record GivenRequestId(String value) {}

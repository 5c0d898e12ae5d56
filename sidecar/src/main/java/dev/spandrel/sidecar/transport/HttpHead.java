package dev.spandrel.sidecar.transport;

import java.util.function.UnaryOperator;

/**
 * The head of a request.
 *
 * @param path without the query
 * @param contentLength as announced; negative where it was not
 * @param headers value of a header by its name, of whatever case; null where it is not there
 */
public record HttpHead(String method, String path, long contentLength, UnaryOperator<String> headers) {
    /** A header's value; empty where it is not there. */
    public String header(String name) {
        String value = headers.apply(name);
        return value == null ? "" : value;
    }
}

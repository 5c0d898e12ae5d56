package dev.spandrel.sidecar.transport;

import java.util.Map;

/** An answer, complete: its headers beside the content's length and the connection's, and its body. */
public record HttpAnswer(int status, Map<String, String> headers, byte[] body) {
    public HttpAnswer {
        headers = Map.copyOf(headers);
    }
}

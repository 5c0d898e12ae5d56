package dev.spandrel.sidecar.transport;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;

/** One request while its body arrives. Called by its connection's event loop, so nothing in it may wait. */
public interface HttpExchange extends AutoCloseable {
    /** More of the body; the bytes are only there during the call. */
    void body(ByteBuffer bytes) throws HttpRefusal;

    /** The body is complete. The future does not fail and may be completed by any thread. */
    CompletableFuture<HttpAnswer> end();

    /** The answer to a body that breaks off the rules of HTTP. */
    HttpAnswer malformed(String message);

    /** The answer to a request that did not arrive in time. */
    HttpAnswer tooSlow();

    /** The request was answered or its sender is gone; gives back what it held. */
    @Override
    void close();
}

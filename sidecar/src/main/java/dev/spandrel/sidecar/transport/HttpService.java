package dev.spandrel.sidecar.transport;

/** What answers the requests of a listener. Called by event loops, so nothing in it may wait. */
public interface HttpService {
    /** A request begins; it ends with {@link HttpExchange#close}, whatever becomes of it. */
    HttpExchange begin(HttpHead head) throws HttpRefusal;

    /** The answer to what is no HTTP request. */
    HttpAnswer malformed(String message);
}

package dev.spandrel.sidecar.transport;

/** A request that is answered before its body is read. */
public final class HttpRefusal extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient HttpAnswer answer;

    public HttpRefusal(HttpAnswer answer) {
        super("refused with " + answer.status(), null, false, false);
        this.answer = answer;
    }

    public HttpAnswer answer() {
        return answer;
    }
}

package dev.spandrel.sidecar.transform;

import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.Signal;

/** A change to a request before it is kept. Safe for any thread; never changes the array it is given. */
@FunctionalInterface
public interface Transform {
    /** Leaves every request as it is. */
    Transform NONE = (_, body) -> body;

    /** The request to keep in place of {@code body}, which is {@code body} itself where nothing changes. */
    byte[] apply(Signal signal, byte[] body) throws MalformedTelemetryException;

    /** This change and then another. */
    default Transform andThen(Transform next) {
        return (signal, body) -> next.apply(signal, apply(signal, body));
    }
}

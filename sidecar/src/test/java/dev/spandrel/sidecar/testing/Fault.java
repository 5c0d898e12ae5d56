package dev.spandrel.sidecar.testing;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import java.util.Optional;

/** What a {@link BackendDouble} does with one request instead of taking it. */
public sealed interface Fault {
    /** Answers with a gRPC code, or with the HTTP status beside it on the HTTP port. */
    record Refuse(Status grpc, int http, Optional<String> retryAfter, Optional<ByteString> details) implements Fault {
        public Refuse(Status grpc, int http) {
            this(grpc, http, Optional.empty(), Optional.empty());
        }
    }

    /** Takes the request but says that some items were rejected. */
    record Partial(long rejected, String message) implements Fault {}

    /** Takes the request and never answers. */
    record Hang() implements Fault {}

    /** Takes the request and cuts the connection in the middle of the answer. */
    record Cut() implements Fault {}
}

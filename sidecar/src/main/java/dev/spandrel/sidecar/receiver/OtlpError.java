package dev.spandrel.sidecar.receiver;

import dev.spandrel.sidecar.otlp.RpcStatus;
import java.time.Duration;
import java.util.Optional;

/** A request that is not taken, with the one table of what gRPC and HTTP senders are told (OTLP 1.11, responses). */
public final class OtlpError extends Exception {
    private static final long serialVersionUID = 1L;

    /** The kinds of refusal; only {@link #UNAVAILABLE} tells the sender to try again. */
    public enum Kind {
        MALFORMED(3, 400),
        MEDIA_TYPE(3, 415),
        TOO_LARGE(8, 413),
        PATH(12, 404),
        METHOD(12, 405),
        UNAVAILABLE(14, 503),
        INTERNAL(13, 500);

        private final int grpcCode;
        private final int httpStatus;

        Kind(int grpcCode, int httpStatus) {
            this.grpcCode = grpcCode;
            this.httpStatus = httpStatus;
        }

        public int grpcCode() {
            return grpcCode;
        }

        public int httpStatus() {
            return httpStatus;
        }
    }

    private final Kind kind;
    private final transient Optional<Duration> retryDelay;

    public OtlpError(Kind kind, String message) {
        this(kind, message, Optional.empty());
    }

    private OtlpError(Kind kind, String message, Optional<Duration> retryDelay) {
        super(message);
        this.kind = kind;
        this.retryDelay = retryDelay;
    }

    /** No room now; the sender should come back after a while. */
    public static OtlpError unavailable(String message, Duration retryDelay) {
        return new OtlpError(Kind.UNAVAILABLE, message, Optional.of(retryDelay));
    }

    /** The sender takes longer than it may; it is told to come back. */
    static OtlpError tooSlow() {
        return unavailable("the request took too long to arrive", Duration.ofSeconds(1));
    }

    public static OtlpError tooLarge(long limit) {
        return new OtlpError(Kind.TOO_LARGE, "the request is larger than " + limit + " bytes");
    }

    /** A record that no empty journal would keep; the sender can only send less at once. */
    static OtlpError tooLargeToKeep(int bytes, String what, long limit) {
        return new OtlpError(
                Kind.TOO_LARGE,
                "the request holds " + bytes + " bytes of " + what + ", but the whole journal keeps at most " + limit
                        + " of them; send less at once or raise --journal-max-bytes");
    }

    public Kind kind() {
        return kind;
    }

    public Optional<Duration> retryDelay() {
        return retryDelay;
    }

    public RpcStatus status() {
        return new RpcStatus(kind.grpcCode(), getMessage(), retryDelay);
    }
}

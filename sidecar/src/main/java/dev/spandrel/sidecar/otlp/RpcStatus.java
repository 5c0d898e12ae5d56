package dev.spandrel.sidecar.otlp;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;

/**
 * {@code google.rpc.Status} in both encodings of OTLP, with the one detail this sidecar uses: {@code RetryInfo}.
 *
 * @param code the number of a gRPC status code
 * @param retryDelay how long the sender is asked to wait, where trying again can help
 */
public record RpcStatus(int code, String message, Optional<Duration> retryDelay) {
    private static final String RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo";

    public RpcStatus(int code, String message) {
        this(code, message, Optional.empty());
    }

    /** {@code Status{code=1, message=2, details=3}}. */
    public byte[] toProtobuf() {
        ProtobufWriter status = new ProtobufWriter().varint(1, code).string(2, message);
        retryDelay.ifPresent(delay -> status.bytes(3, retryInfo(delay)));
        return status.toByteArray();
    }

    private static byte[] retryInfo(Duration delay) {
        byte[] duration = new ProtobufWriter()
                .varint(1, delay.toSeconds())
                .varint(2, delay.toNanosPart())
                .toByteArray();
        byte[] info = new ProtobufWriter().bytes(1, duration).toByteArray();
        return new ProtobufWriter().string(1, RETRY_INFO).bytes(2, info).toByteArray();
    }

    /** The proto3 JSON form. */
    public byte[] toJson() {
        StringBuilder json = new StringBuilder("{\"code\":").append(code).append(",\"message\":\"");
        message.chars().forEach(c -> appendEscaped(json, (char) c));
        json.append('"');
        retryDelay.ifPresent(delay -> json.append(",\"details\":[{\"@type\":\"")
                .append(RETRY_INFO)
                .append("\",\"retryDelay\":\"")
                .append(seconds(delay))
                .append("s\"}]"));
        return json.append('}').toString().getBytes(StandardCharsets.UTF_8);
    }

    private static String seconds(Duration delay) {
        int millis = delay.toMillisPart();
        return millis == 0 ? Long.toString(delay.toSeconds()) : "%d.%03d".formatted(delay.toSeconds(), millis);
    }

    private static void appendEscaped(StringBuilder json, char c) {
        switch (c) {
            case '"' -> json.append("\\\"");
            case '\\' -> json.append("\\\\");
            default -> {
                if (c < 0x20) {
                    json.append("\\u%04x".formatted((int) c));
                } else {
                    json.append(c);
                }
            }
        }
    }

    /** Reads a status; bytes that are none give code 2 (UNKNOWN) and an empty message. */
    public static RpcStatus fromProtobuf(byte[] encoded) {
        try {
            return read(new ProtobufReader(encoded));
        } catch (MalformedTelemetryException e) {
            return new RpcStatus(2, "");
        }
    }

    private static RpcStatus read(ProtobufReader status) throws MalformedTelemetryException {
        int code = 0;
        String message = "";
        Optional<Duration> delay = Optional.empty();
        while (status.next()) {
            switch (status.field()) {
                case 1 -> code = (int) status.varint();
                case 2 -> message = status.string();
                case 3 -> {
                    Optional<Duration> found = readRetryInfo(status.message());
                    delay = found.isPresent() ? found : delay;
                }
                default -> {}
            }
        }
        return new RpcStatus(code, message, delay);
    }

    private static Optional<Duration> readRetryInfo(ProtobufReader any) throws MalformedTelemetryException {
        String type = "";
        ProtobufReader value = null;
        while (any.next()) {
            if (any.field() == 1) {
                type = any.string();
            } else if (any.field() == 2) {
                value = any.message();
            }
        }
        if (value == null || !type.endsWith("/google.rpc.RetryInfo")) {
            return Optional.empty();
        }
        while (value.next()) {
            if (value.field() == 1) {
                return Optional.of(readDuration(value.message()));
            }
        }
        return Optional.of(Duration.ZERO);
    }

    private static Duration readDuration(ProtobufReader duration) throws MalformedTelemetryException {
        long seconds = 0;
        long nanos = 0;
        while (duration.next()) {
            if (duration.field() == 1) {
                seconds = duration.varint();
            } else if (duration.field() == 2) {
                nanos = duration.varint();
            }
        }
        // 315,576,000,000 s is the largest google.protobuf.Duration; a wilder number is a broken peer, not a wait
        boolean sane = seconds >= 0 && seconds <= 315_576_000_000L && nanos >= 0 && nanos < 1_000_000_000L;
        return sane ? Duration.ofSeconds(seconds, nanos) : Duration.ZERO;
    }
}

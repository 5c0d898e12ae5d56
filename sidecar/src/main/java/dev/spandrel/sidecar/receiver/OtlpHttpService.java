package dev.spandrel.sidecar.receiver;

import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.transport.HttpAnswer;
import dev.spandrel.sidecar.transport.HttpExchange;
import dev.spandrel.sidecar.transport.HttpHead;
import dev.spandrel.sidecar.transport.HttpRefusal;
import dev.spandrel.sidecar.transport.HttpService;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The paths of OTLP/HTTP, and the one form that refusals have: a {@code google.rpc.Status} in the request's encoding. */
record OtlpHttpService(Intake intake, ReceiverLimits limits) implements HttpService {
    @Override
    public HttpExchange begin(HttpHead head) throws HttpRefusal {
        Optional<MediaType> media = MediaType.of(head.header("Content-Type"));
        InFlightBytes.Lease lease = limits.inFlight().lease();
        try {
            Signal signal = signal(head);
            MediaType known = media.orElseThrow(() -> wrongType(head));
            String encoding = ExportExchange.encoding(head);
            BodyBuffer body = BodyBuffer.of(head.contentLength(), limits.maxRequestBytes(), lease);
            return new ExportExchange(this, signal, known, encoding, lease, body);
        } catch (OtlpError e) {
            lease.close();
            throw new HttpRefusal(refused(media.orElse(MediaType.PROTOBUF), intake.refuse(e)));
        }
    }

    private static Signal signal(HttpHead head) throws OtlpError {
        for (Signal signal : Signal.values()) {
            if (signal.httpPath().equals(head.path())) {
                if (!head.method().equals("POST")) {
                    throw new OtlpError(OtlpError.Kind.METHOD, "expected POST, found " + head.method());
                }
                return signal;
            }
        }
        throw new OtlpError(
                OtlpError.Kind.PATH,
                "no such path; telemetry goes to /v1/traces, /v1/metrics, /v1/logs or " + Signal.PROFILES.httpPath());
    }

    private static OtlpError wrongType(HttpHead head) {
        return new OtlpError(
                OtlpError.Kind.MEDIA_TYPE,
                "expected Content-Type " + MediaType.PROTOBUF.type() + " or " + MediaType.JSON.type() + ", found \""
                        + head.header("Content-Type") + "\"");
    }

    @Override
    public HttpAnswer malformed(String message) {
        return refused(MediaType.PROTOBUF, intake.refuse(new OtlpError(OtlpError.Kind.MALFORMED, message)));
    }

    static HttpAnswer refused(MediaType media, OtlpError error) {
        Map<String, String> headers = new HashMap<>();
        headers.put("Content-Type", media.type());
        if (error.kind() == OtlpError.Kind.METHOD) {
            headers.put("Allow", "POST");
        }
        error.retryDelay()
                .ifPresent(delay -> headers.put(
                        "Retry-After",
                        Long.toString(Math.max(1, delay.plusMillis(999).toSeconds()))));
        return new HttpAnswer(
                error.kind().httpStatus(),
                headers,
                media == MediaType.JSON
                        ? error.status().toJson()
                        : error.status().toProtobuf());
    }
}

package dev.spandrel.server.telemetry;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerResponse;
import io.opentelemetry.api.trace.SpanContext;

/** The {@code traceresponse} header (W3C Trace Context Level 2 draft, section 3.4): which trace the answer belongs to. */
final class TraceResponse {
    private static final HeaderName NAME = HeaderNames.create("traceresponse");

    private TraceResponse() {}

    static void set(ServerResponse response, SpanContext span) {
        if (span.isValid()) {
            response.header(
                    NAME,
                    "00-" + span.getTraceId() + "-" + span.getSpanId() + "-"
                            + span.getTraceFlags().asHex());
        }
    }
}

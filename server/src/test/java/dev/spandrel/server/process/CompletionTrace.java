package dev.spandrel.server.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.opentelemetry.proto.trace.v1.Span.SpanKind;
import java.util.List;
import java.util.Map;

/** What the trace of one completion by the example client must look like. */
record CompletionTrace(List<ReceivedSpan> spans, Object evidence) {
    static final String CLIENT = "client-span";
    static final String HTTP = "POST /v1/completions";
    static final String LLM_REQUEST = "llm_request";

    /** All spans there are make one trace, of these names. */
    CompletionTrace hasExactly(String traceId, String... names) {
        assertThat(spans).as("%s", evidence).extracting(ReceivedSpan::name).containsExactlyInAnyOrder(names);
        assertThat(spans)
                .as("%s", evidence)
                .extracting(ReceivedSpan::traceId)
                .containsOnly(traceId)
                .doesNotContain("0".repeat(32));
        assertThat(spans).extracting(ReceivedSpan::spanId).doesNotHaveDuplicates();
        return this;
    }

    ReceivedSpan span(String name) {
        return spans.stream()
                .filter(span -> span.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + name + " in " + evidence));
    }

    /** Child below parent, and within its time. */
    void isBelow(String child, String parent) {
        assertThat(span(child).parentId())
                .as("%s", evidence)
                .isEqualTo(span(parent).spanId());
    }

    void isWithin(String inner, String outer) {
        assertThat(span(inner).span().getStartTimeUnixNano())
                .as("start of %s: %s", inner, evidence)
                .isGreaterThanOrEqualTo(span(outer).span().getStartTimeUnixNano());
        assertThat(span(inner).span().getEndTimeUnixNano())
                .as("end of %s: %s", inner, evidence)
                .isLessThanOrEqualTo(span(outer).span().getEndTimeUnixNano());
    }

    void clientSpanHolds(String prompt, String service) {
        ReceivedSpan client = span(CLIENT);
        assertThat(client.kind()).isEqualTo(SpanKind.SPAN_KIND_CLIENT);
        assertThat(client.parentId()).isEmpty();
        assertThat(client.service()).isEqualTo(service);
        assertThat(client.attributes()).containsEntry("prompt", prompt);
    }

    /** The semantic conventions for HTTP servers. */
    void httpSpanHolds(int port, String service) {
        ReceivedSpan http = span(HTTP);
        assertThat(http.kind()).isEqualTo(SpanKind.SPAN_KIND_SERVER);
        assertThat(http.service()).isEqualTo(service);
        assertThat(http.attributes())
                .containsAllEntriesOf(Map.of(
                        "http.request.method", "POST",
                        "http.route", "/v1/completions",
                        "http.response.status_code", 200L,
                        "url.path", "/v1/completions",
                        "url.scheme", "http",
                        "server.address", "127.0.0.1",
                        "server.port", (long) port,
                        "client.address", "127.0.0.1",
                        "network.protocol.version", "1.1"))
                .containsKey("user_agent.original")
                .doesNotContainKey("error.type");
    }
}

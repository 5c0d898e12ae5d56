package dev.spandrel.sidecar.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.span.SpanDecoder;
import dev.spandrel.sidecar.testing.Telemetry;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TraceStoreTest {
    private final TraceStore store = new TraceStore(64 << 10);

    private List<String> put(byte[] request) throws MalformedTelemetryException {
        List<String> gone = new ArrayList<>();
        for (Map.Entry<String, byte[]> piece : TraceSplitter.split(request).entrySet()) {
            gone.addAll(store.add(piece.getKey(), piece.getValue(), SpanDecoder.decode(piece.getValue())));
        }
        return gone;
    }

    private TraceRow row(long trace) {
        return store.row(Spans.traceId(trace), TraceFilter.ALL).orElseThrow();
    }

    @Test
    void aCompletionIsOneLineWithItsFigures() throws Exception {
        put(Spans.completion(1, 0));
        TraceRow row = row(1);
        assertThat(row.kind()).isEqualTo("request");
        assertThat(row.name()).isEqualTo("POST /v1/completions");
        assertThat(row.service()).isEqualTo("spandrel");
        assertThat(row.model()).isEqualTo("tiny");
        assertThat(row.httpStatus()).isEqualTo("200");
        assertThat(row.status()).isEqualTo("unset");
        assertThat(row.spans()).isEqualTo(6);
        assertThat(row.tokensIn()).isEqualTo(5);
        assertThat(row.tokensOut()).isEqualTo(11);
        assertThat(row.start()).isEqualTo(Spans.EPOCH_MILLIS);
        assertThat(row.duration()).isCloseTo(100, within(1e-6));
        assertThat(row.queue()).isCloseTo(10, within(1e-6));
        assertThat(row.timeToFirstToken()).isCloseTo(30, within(1e-6));
        assertThat(row.timePerOutputToken()).isCloseTo(6, within(1e-6));
        assertThat(row.phases())
                .containsOnlyKeys("queue", "prefill", "decode", "finish")
                .containsEntry("decode", 60.);
    }

    @Test
    void piecesInAnyOrderMakeTheSameLine() throws Exception {
        put(Spans.completion(1, 0));
        TraceRow whole = row(1);
        List<Span.Builder> spans = new ArrayList<>();
        ExportTraceServiceRequest.parseFrom(Spans.completion(2, 0))
                .getResourceSpans(0)
                .getScopeSpans(0)
                .getSpansList()
                .forEach(span -> spans.add(span.toBuilder()));
        for (int seed = 0; seed < 20; seed++) {
            Collections.shuffle(spans, new Random(seed));
            for (Span.Builder span : spans) {
                put(Spans.request("spandrel", span.setTraceId(Spans.trace(100 + seed))));
            }
            TraceRow pieces = row(100 + seed);
            assertThat(pieces)
                    .as("seed " + seed)
                    .usingRecursiveComparison()
                    .ignoringFields("id")
                    .isEqualTo(whole);
        }
    }

    @Test
    void aTraceComesBackAsItWasSent() throws Exception {
        byte[] sent = Spans.completion(7, 0);
        put(sent);
        ExportTraceServiceRequest back = ExportTraceServiceRequest.parseFrom(
                store.request(Spans.traceId(7)).orElseThrow());
        assertThat(back).isEqualTo(ExportTraceServiceRequest.parseFrom(sent));
    }

    @Test
    void requestsOfSeveralTracesAreTakenApart() throws Exception {
        put(Spans.request(
                "mixed",
                Spans.span(1, 1, -1, "one", 0, 1),
                Spans.span(2, 2, -1, "two", 0, 1),
                Spans.span(1, 3, 1, "one below", 0, 1)));
        assertThat(row(1).spans()).isEqualTo(2);
        assertThat(row(2).spans()).isEqualTo(1);
        assertThat(row(2).name()).isEqualTo("two");
    }

    @Test
    void anErrorAnywhereIsAnErrorOfTheTrace() throws Exception {
        put(Spans.request(
                "s",
                Spans.span(1, 1, -1, "fine", 0, 9)
                        .setStatus(Status.newBuilder().setCode(Status.StatusCode.STATUS_CODE_OK)),
                Spans.span(1, 2, 1, "broken", 1, 2)
                        .setStatus(Status.newBuilder().setCode(Status.StatusCode.STATUS_CODE_ERROR))));
        assertThat(row(1).status()).isEqualTo("error");
        assertThat(row(1).errors()).isEqualTo(1);
    }

    @Test
    void theQuietestGoesFirstAndTheBoundHolds() throws Exception {
        List<String> gone = new ArrayList<>();
        put(Spans.completion(0, 0));
        for (int i = 1; i <= 200; i++) {
            gone.addAll(put(Spans.completion(i, i)));
            // the first trace is never quiet for long
            gone.addAll(put(Spans.request("s", Spans.span(0, 1000 + i, 1, "more", 0, 1))));
            assertThat(store.fill().bytes()).isLessThanOrEqualTo(64 << 10);
        }
        assertThat(gone).isNotEmpty().doesNotContain(Spans.traceId(0)).startsWith(Spans.traceId(1), Spans.traceId(2));
        assertThat(store.fill().evicted()).isEqualTo(gone.size());
        assertThat(store.fill().traces()).isEqualTo(201 - gone.size());
        assertThat(store.request(gone.getFirst())).isEmpty();
    }

    @Test
    void whatOneTraceHasBeyondItsShareIsCounted() throws Exception {
        for (int i = 0; i < 200; i++) {
            put(Spans.request("s", Spans.span(1, i, i == 0 ? -1 : 0, "span " + i, 0, 1)));
        }
        TraceRow row = row(1);
        assertThat(row.droppedSpans()).isPositive();
        assertThat(row.spans() + row.droppedSpans()).isEqualTo(200);
        assertThat(store.fill().bytes()).isLessThanOrEqualTo((64 << 10) / 16);
    }

    @Test
    void aStepIsFoundFromTheRequestsItWorkedOn() throws Exception {
        put(Spans.completion(1, 0));
        Span.Builder step = Spans.span(50, 9, -1, "engine.step", 12, 13)
                .addLinks(Span.Link.newBuilder().setTraceId(Spans.trace(1)).setSpanId(Telemetry.id(2)));
        put(Spans.request("spandrel", step));
        assertThat(store.linkingTo(Spans.traceId(1), 10))
                .extracting(TraceRow::id, TraceRow::kind)
                .containsExactly(tuple(Spans.traceId(50), "step"));
        assertThat(store.linkingTo(Spans.traceId(50), 10)).isEmpty();
        for (int i = 100; i < 400; i++) {
            put(Spans.completion(i, i));
        }
        assertThat(store.linkingTo(Spans.traceId(1), 10)).isEmpty();
    }

    @Test
    void theNewestComeFirstAndOlderOnesAfterThem() throws Exception {
        for (int i = 1; i <= 10; i++) {
            put(Spans.completion(i, i * 1000));
        }
        List<TraceRow> first = store.newest(TraceFilter.ALL, 4, Double.POSITIVE_INFINITY);
        assertThat(first)
                .extracting(TraceRow::id)
                .containsExactly(Spans.traceId(10), Spans.traceId(9), Spans.traceId(8), Spans.traceId(7));
        assertThat(store.newest(TraceFilter.ALL, 2, first.getLast().start()))
                .extracting(TraceRow::id)
                .containsExactly(Spans.traceId(6), Spans.traceId(5));
    }
}

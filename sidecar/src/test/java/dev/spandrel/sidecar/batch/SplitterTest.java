package dev.spandrel.sidecar.batch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.sidecar.otlp.EncodedRequest;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.testing.Telemetry;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.Span;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class SplitterTest {
    @Test
    void halvingDownToSingleSpansKeepsEverySpanWithItsResourceAndScope() throws Exception {
        for (long seed = 0; seed < 30; seed++) {
            ExportTraceServiceRequest request = Telemetry.randomTree(new Random(seed), 5);
            List<ExportTraceServiceRequest> singles = new ArrayList<>();
            halveAll(EncodedRequest.of(Signal.TRACES, request.toByteArray()), singles);
            assertThat(singles.stream()
                            .flatMap(single -> Telemetry.numbers(single).stream())
                            .toList())
                    .as("seed %d", seed)
                    .isEqualTo(Telemetry.numbers(request));
            assertThat(singles.stream()
                            .map(SplitterTest::contexts)
                            .flatMap(map -> map.entrySet().stream())
                            .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue)))
                    .as("seed %d", seed)
                    .isEqualTo(contexts(request));
        }
    }

    private static void halveAll(EncodedRequest request, List<ExportTraceServiceRequest> singles) throws Exception {
        Optional<Splitter.Halves> halves = Splitter.halve(request);
        if (halves.isEmpty()) {
            assertThat(request.items()).isLessThanOrEqualTo(1);
            singles.add(ExportTraceServiceRequest.parseFrom(request.toByteArray()));
            return;
        }
        assertThat(halves.get().left().items() + halves.get().right().items()).isEqualTo(request.items());
        halveAll(halves.get().left(), singles);
        halveAll(halves.get().right(), singles);
    }

    private static Map<Span, String> contexts(ExportTraceServiceRequest request) {
        return request.getResourceSpansList().stream()
                .flatMap(resource -> resource.getScopeSpansList().stream()
                        .flatMap(scope -> scope.getSpansList().stream()
                                .map(span -> Map.entry(
                                        span, context(resource, scope.getScope().getName())))))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    private static String context(ResourceSpans resource, String scope) {
        return resource.getSchemaUrl() + " " + resource.getResource() + " " + scope;
    }

    @Test
    void piecesStayBelowTheBound() throws Exception {
        ExportTraceServiceRequest request = Telemetry.spans(0, 10_000);
        List<EncodedRequest> pieces = new ArrayList<>();
        Splitter.pieces(EncodedRequest.of(Signal.TRACES, request.toByteArray()), 100_000)
                .forEachRemaining(pieces::add);
        assertThat(pieces).allSatisfy(piece -> assertThat(piece.size()).isLessThanOrEqualTo(100_000));
        List<Long> numbers = new ArrayList<>();
        for (EncodedRequest piece : pieces) {
            numbers.addAll(Telemetry.numbers(ExportTraceServiceRequest.parseFrom(piece.toByteArray())));
        }
        assertThat(numbers).isEqualTo(Telemetry.numbers(request));
    }

    @Test
    void randomTreesFallIntoPiecesThatHoldTheSameSpansInTheSameContexts() throws Exception {
        for (long seed = 0; seed < 30; seed++) {
            ExportTraceServiceRequest request = Telemetry.randomTree(new Random(seed), 7);
            List<ExportTraceServiceRequest> pieces = new ArrayList<>();
            Iterator<EncodedRequest> cut =
                    Splitter.pieces(EncodedRequest.of(Signal.TRACES, request.toByteArray()), 1000);
            while (cut.hasNext()) {
                pieces.add(ExportTraceServiceRequest.parseFrom(cut.next().toByteArray()));
            }
            assertThat(pieces.stream()
                            .flatMap(piece -> Telemetry.numbers(piece).stream())
                            .toList())
                    .as("seed %d", seed)
                    .isEqualTo(Telemetry.numbers(request));
            assertThat(pieces.stream()
                            .flatMap(piece -> contexts(piece).entrySet().stream())
                            .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue)))
                    .as("seed %d", seed)
                    .isEqualTo(contexts(request));
        }
    }

    @Test
    void aResourceLargerThanItsSpansIsNotCopiedIntoEachPiece() throws Exception {
        ExportTraceServiceRequest.Builder request = Telemetry.spans(0, 1000).toBuilder();
        request.getResourceSpansBuilder(0)
                .getResourceBuilder()
                .addAttributes(Telemetry.attribute("large", "x".repeat(2 << 20)));
        assertThat(Splitter.pieces(
                        EncodedRequest.of(Signal.TRACES, request.build().toByteArray()), 1 << 20))
                .toIterable()
                .hasSize(1);
    }

    @Test
    void profilesAreNeverCut() {
        EncodedRequest profiles = new EncodedRequest(
                Signal.PROFILES, List.of(Telemetry.spans(0, 9).toByteArray()), 9);
        assertThat(Splitter.halve(profiles)).isEmpty();
    }
}

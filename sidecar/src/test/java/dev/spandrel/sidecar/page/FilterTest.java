package dev.spandrel.sidecar.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.sidecar.span.SpanDecoder;
import dev.spandrel.sidecar.testing.Telemetry;
import io.opentelemetry.proto.trace.v1.Status;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FilterTest {
    private final TraceStore store = new TraceStore(1 << 20);

    /** 1 a completion of 100 ms, 2 a failed call of 2 s, 3 an engine step of 3 ms. */
    @BeforeEach
    void threeTraces() throws Exception {
        put(1, Spans.completion(1, 0));
        put(
                2,
                Spans.request(
                        "shop front",
                        Spans.span(2, 1, -1, "GET /basket", 0, 2000)
                                .addAttributes(Telemetry.attribute("note", "Once upon a time \"there\" was"))
                                .addAttributes(Spans.whole("http.response.status_code", 502))
                                .setStatus(Status.newBuilder().setCode(Status.StatusCode.STATUS_CODE_ERROR))));
        put(
                3,
                Spans.request(
                        "spandrel",
                        Spans.span(3, 1, -1, "engine.step", 0, 3)
                                .addAttributes(Spans.whole("spandrel.step.index", 7))));
    }

    private void put(long trace, byte[] request) throws Exception {
        store.add(Spans.traceId(trace), request, SpanDecoder.decode(request));
    }

    private String found(String filter) throws Exception {
        List<Long> numbers = new ArrayList<>();
        for (TraceRow row : store.newest(FilterParser.parse(filter), 10, Double.POSITIVE_INFINITY)) {
            numbers.add(Long.parseLong(row.id().substring(16), 16));
        }
        Collections.sort(numbers);
        return numbers.toString();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "``                                  | [1, 2, 3]",
                "service:spandrel                    | [1, 3]",
                "service:\"shop front\"              | [2]",
                "-service:spandrel                   | [2]",
                "name:decode                         | [1]",
                "name:DECODE                         | [1]",
                "status:error                        | [2]",
                "status:502                          | [2]",
                "-status:error                       | [1, 3]",
                "kind:request                        | [1]",
                "kind:step                           | [3]",
                "kind:other                          | [2]",
                "gen_ai.request.model=tiny           | [1]",
                "gen_ai.request.model=tin            | []",
                "gen_ai.request.model=t*y            | [1]",
                "gen_ai.request.model!=tiny          | [2, 3]",
                "service.name=spandrel               | [1, 3]",
                "spandrel.step.index=7               | [3]",
                "gen_ai.usage.completion_tokens>10   | [1]",
                "gen_ai.usage.completion_tokens>11   | []",
                "gen_ai.usage.completion_tokens<=11  | [1]",
                "duration>1s                         | [2]",
                "duration>=100ms                     | [1, 2]",
                "duration<5                          | [3]",
                "duration>2000000us                  | []",
                "service:spandrel duration>50ms      | [1]",
                "\"once upon\"                       | [2]",
                "basket                              | [2]",
                "-basket name:step                   | [3]",
                "trace:0000000000000abc              | [1, 2, 3]",
                "trace:ffff                          | []",
                "0000000000000abc0000000000000002    | [2]",
            })
    void termsFindTheirTraces(String filter, String expected) throws Exception {
        assertThat(found(filter)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "colour:red      | unknown field \"colour\"",
                "duration>soon   | expected a time such as 250ms or 1.5s, found \"soon\"",
                "tokens>many     | expected a number after tokens>, found \"many\"",
                "kind:odd        | unknown kind \"odd\"",
                "service:        | lacks a value",
                "a=*b*c*d*e*f*g  | more than 4 wildcards",
            })
    void whatCannotBeMeantIsNamed(String filter, String message) {
        assertThatThrownBy(() -> FilterParser.parse(filter))
                .isInstanceOf(InvalidFilterException.class)
                .hasMessageContaining(message);
    }

    @Test
    void aFilterIsBounded() {
        assertThatThrownBy(() -> FilterParser.parse("a ".repeat(21))).hasMessageContaining("21 terms");
        assertThatThrownBy(() -> FilterParser.parse("a".repeat(1001))).hasMessageContaining("1001 characters");
    }

    @Test
    void textIsNeverAPattern() throws Exception {
        assertThat(found("note=.*")).isEqualTo("[]");
        assertThat(found("\"[once\"")).isEqualTo("[]");
        assertThat(found("\\E.")).isEqualTo("[]");
    }
}

package dev.spandrel.sidecar.otlp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.sidecar.testing.Telemetry;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OtlpShapeTest {
    @Test
    void itemsAreCountedAsTheOfficialClassesCountThem() throws MalformedTelemetryException {
        Random random = new Random(1);
        for (int i = 0; i < 50; i++) {
            ExportTraceServiceRequest request = Telemetry.randomTree(random, 5);
            assertThat(OtlpShape.countItems(Signal.TRACES, request.toByteArray()))
                    .isEqualTo(Telemetry.numbers(request).size());
        }
        assertThat(OtlpShape.countItems(Signal.METRICS, Telemetry.points(7).toByteArray()))
                .isEqualTo(7);
        assertThat(OtlpShape.countItems(Signal.LOGS, Telemetry.logs(9).toByteArray()))
                .isEqualTo(9);
        assertThat(OtlpShape.countItems(Signal.TRACES, new byte[0])).isZero();
    }

    @Test
    void unknownFieldsOfEveryWireTypeAreSteppedOver() throws MalformedTelemetryException {
        byte[] known = Telemetry.spans(0, 2).toByteArray();
        byte[] unknown = new ProtobufWriter()
                .raw(known, 0, known.length)
                .varint(1000, -1)
                .fixed32(1001, 7)
                .fixed64(1002, 8)
                .bytes(1003, new byte[300])
                .raw(HexFormat.of().parseHex("2b0801132c"), 0, 0)
                .toByteArray();
        assertThat(OtlpShape.countItems(Signal.TRACES, unknown)).isEqualTo(2);
        // field 5 as a group that holds field 1 = 1
        assertThat(OtlpShape.countItems(Signal.TRACES, HexFormat.of().parseHex("2b08012c")))
                .isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "08, ends inside a number",
        "0801, expected 2",
        "0a05, announces 5 bytes where 0 are left",
        "00, expected a field tag",
        "0f, wire type 7",
        "0affffffffffffffffff01, announces",
        "08ffffffffffffffffffff01, longer than 10 bytes",
        "2b0801, has no end",
        "2b080134, is ended as group",
        "0a021201, announces 1 bytes where 0 are left",
    })
    void whatIsWrongIsNamed(String hex, String message) {
        assertThatThrownBy(
                        () -> OtlpShape.countItems(Signal.TRACES, HexFormat.of().parseHex(hex)))
                .isInstanceOf(MalformedTelemetryException.class)
                .hasMessageContaining(message);
    }

    @Test
    void deepGroupsDoNotOverflowTheStack() {
        byte[] deep = new byte[1 << 20];
        Arrays.fill(deep, (byte) 0x2b);
        assertThatThrownBy(() -> OtlpShape.countItems(Signal.TRACES, deep))
                .isInstanceOf(MalformedTelemetryException.class)
                .hasMessageContaining("deeper than");
    }

    @Test
    void everyPrefixAndEveryFlippedByteIsAnsweredWithoutHarm() {
        byte[] valid = Telemetry.spans(0, 3).toByteArray();
        for (int length = 0; length < valid.length; length++) {
            tryCounting(Arrays.copyOf(valid, length));
        }
        for (int at = 0; at < valid.length; at++) {
            byte[] flipped = valid.clone();
            flipped[at] ^= (byte) 0xff;
            tryCounting(flipped);
        }
    }

    private static void tryCounting(byte[] body) {
        try {
            assertThat(OtlpShape.countItems(Signal.TRACES, body)).isNotNegative();
        } catch (MalformedTelemetryException e) {
            assertThat(e.getMessage()).isNotBlank();
        }
    }
}

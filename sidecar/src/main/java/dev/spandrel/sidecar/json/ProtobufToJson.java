package dev.spandrel.sidecar.json;

import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.OtlpSchema;
import dev.spandrel.sidecar.otlp.OtlpSchema.Field;
import dev.spandrel.sidecar.otlp.OtlpSchema.Kind;
import dev.spandrel.sidecar.otlp.OtlpSchema.Message;
import dev.spandrel.sidecar.otlp.ProtobufReader;
import dev.spandrel.sidecar.otlp.Signal;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Writes OTLP/JSON out of protobuf bytes: 64-bit integers as decimal text, ids in hex, enums as integers. Fields the
 * table does not know cannot be named and are left out, and counted.
 */
public final class ProtobufToJson {
    private static final JsonFactory FACTORY = new JsonFactory();

    /** JSON, and how many unknown fields are missing in it. */
    public record Result(byte[] json, long unknownFields) {}

    private final JsonGenerator json;
    private long unknown;

    private ProtobufToJson(JsonGenerator json) {
        this.json = json;
    }

    /** The JSON form of an encoded export request. */
    public static Result convert(Signal signal, byte[] protobuf) throws MalformedTelemetryException {
        Message request = OtlpSchema.request(signal)
                .orElseThrow(() -> new MalformedTelemetryException(signal.word() + " have no JSON form here"));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(protobuf.length * 2);
        try (JsonGenerator json = FACTORY.createGenerator(ObjectWriteContext.empty(), bytes)) {
            ProtobufToJson writer = new ProtobufToJson(json);
            writer.message(request, new ProtobufReader(protobuf));
            json.flush();
            return new Result(bytes.toByteArray(), writer.unknown);
        }
    }

    /** Fields of one name may stand apart in protobuf but not in JSON, so their places are gathered first. */
    private void message(Message message, ProtobufReader reader) throws MalformedTelemetryException {
        Map<Field, List<int[]>> places = new LinkedHashMap<>();
        while (reader.next()) {
            Field field = message.field(reader.field()).orElse(null);
            if (field == null) {
                unknown++;
            } else {
                places.computeIfAbsent(field, _ -> new ArrayList<>())
                        .add(new int[] {reader.fieldStart(), reader.valueEnd()});
            }
        }
        json.writeStartObject();
        for (Map.Entry<Field, List<int[]>> entry : places.entrySet()) {
            json.writeName(entry.getKey().jsonName());
            values(entry.getKey(), reader.buffer(), entry.getValue());
        }
        json.writeEndObject();
    }

    private void values(Field field, byte[] buffer, List<int[]> places) throws MalformedTelemetryException {
        if (!field.repeated()) {
            // of a field that is not repeated the last one counts
            int[] last = places.getLast();
            value(field, at(buffer, last));
            return;
        }
        json.writeStartArray();
        for (int[] place : places) {
            ProtobufReader reader = at(buffer, place);
            if (field.kind().packable() && reader.wireType() == ProtobufReader.LENGTH_DELIMITED) {
                packed(field, reader);
            } else {
                value(field, reader);
            }
        }
        json.writeEndArray();
    }

    private static ProtobufReader at(byte[] buffer, int[] place) throws MalformedTelemetryException {
        ProtobufReader reader = new ProtobufReader(buffer, place[0], place[1]);
        reader.next();
        return reader;
    }

    private void packed(Field field, ProtobufReader packed) throws MalformedTelemetryException {
        PackedNumbers numbers = new PackedNumbers(packed);
        while (numbers.hasNext()) {
            number(field.kind(), field.kind() == Kind.UINT64 ? numbers.varint() : numbers.fixed64());
        }
    }

    private void value(Field field, ProtobufReader reader) throws MalformedTelemetryException {
        switch (field.kind()) {
            case STRING -> json.writeString(reader.string());
            case HEX -> json.writeString(HexFormat.of().formatHex(bytes(reader)));
            case BYTES -> json.writeString(Base64.getEncoder().encodeToString(bytes(reader)));
            case MESSAGE -> message(OtlpSchema.nested(field), reader.message());
            case FIXED32 -> number(field.kind(), Integer.toUnsignedLong(reader.fixed32()));
            case FIXED64, SFIXED64, DOUBLE -> number(field.kind(), reader.fixed64());
            default -> number(field.kind(), reader.varint());
        }
    }

    private static byte[] bytes(ProtobufReader reader) throws MalformedTelemetryException {
        reader.require(ProtobufReader.LENGTH_DELIMITED);
        return Arrays.copyOfRange(reader.buffer(), reader.valueStart(), reader.valueEnd());
    }

    private void number(Kind kind, long bits) {
        switch (kind) {
            case BOOL -> json.writeBoolean(bits != 0);
            case ENUM -> json.writeNumber((int) bits);
            case UINT32, FIXED32 -> json.writeNumber(bits & 0xffff_ffffL);
            case SINT32 -> json.writeNumber((int) (bits >>> 1) ^ -(int) (bits & 1));
            case INT64, SFIXED64 -> json.writeString(Long.toString(bits));
            case UINT64, FIXED64 -> json.writeString(Long.toUnsignedString(bits));
            case DOUBLE -> real(Double.longBitsToDouble(bits));
            default -> throw new IllegalArgumentException(kind + " is not a number");
        }
    }

    private void real(double value) {
        if (Double.isFinite(value)) {
            json.writeNumber(value);
        } else {
            json.writeString(Double.toString(value));
        }
    }
}

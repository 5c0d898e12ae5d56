package dev.spandrel.sidecar.json;

import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.OtlpSchema;
import dev.spandrel.sidecar.otlp.OtlpSchema.Field;
import dev.spandrel.sidecar.otlp.OtlpSchema.Kind;
import dev.spandrel.sidecar.otlp.OtlpSchema.Message;
import dev.spandrel.sidecar.otlp.ProtobufWriter;
import dev.spandrel.sidecar.otlp.Signal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads OTLP/JSON (OTLP 1.11, JSON protobuf encoding): ids in hex of any case, enums as integers, 64-bit integers as text
 * or number, unknown keys ignored, null and absence meaning the default. Anything else is malformed, named with its place.
 */
public final class JsonToProtobuf {
    /** Values nest in attributes; the limit keeps a hostile body from the end of the stack. */
    private static final int MAX_DEPTH = 200;

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxStringLength(Integer.MAX_VALUE)
                    .build())
            .build();

    private static final BigInteger UINT64_MAX = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);
    private static final BigInteger INT64_MIN = BigInteger.valueOf(Long.MIN_VALUE);

    private final JsonParser parser;

    private JsonToProtobuf(JsonParser parser) {
        this.parser = parser;
    }

    /** The protobuf form of a JSON export request. */
    public static byte[] convert(Signal signal, byte[] json) throws MalformedTelemetryException {
        Message request = OtlpSchema.request(signal)
                .orElseThrow(() -> new MalformedTelemetryException(signal.word() + " have no JSON form here"));
        try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), json)) {
            JsonToProtobuf reader = new JsonToProtobuf(parser);
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw reader.expected("an object");
            }
            byte[] protobuf = reader.message(request);
            if (parser.nextToken() != null) {
                throw reader.expected("the end of the body");
            }
            return protobuf;
        } catch (JacksonException e) {
            throw new MalformedTelemetryException("not JSON: " + e.getOriginalMessage(), e);
        }
    }

    private MalformedTelemetryException expected(String what) {
        return new MalformedTelemetryException("at %s: expected %s, found %s"
                .formatted(parser.streamReadContext().pathAsPointer(), what, parser.currentToken()));
    }

    private byte[] message(Message message) throws MalformedTelemetryException {
        ProtobufWriter writer = new ProtobufWriter();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            Field field = message.field(parser.currentName()).orElse(null);
            JsonToken value = parser.nextToken();
            if (field == null) {
                parser.skipChildren();
            } else if (value != JsonToken.VALUE_NULL) {
                field(field, writer);
            }
        }
        return writer.toByteArray();
    }

    private void field(Field field, ProtobufWriter writer) throws MalformedTelemetryException {
        if (!field.repeated()) {
            single(field, writer);
            return;
        }
        if (parser.currentToken() != JsonToken.START_ARRAY) {
            throw expected("an array");
        }
        ProtobufWriter packed = new ProtobufWriter();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (field.kind().packable()) {
                bare(field.kind(), packed);
            } else {
                single(field, writer);
            }
        }
        if (packed.size() > 0) {
            writer.bytes(field.number(), packed.toByteArray());
        }
    }

    private void single(Field field, ProtobufWriter writer) throws MalformedTelemetryException {
        int number = field.number();
        switch (field.kind()) {
            case STRING -> writer.bytes(number, text().getBytes(StandardCharsets.UTF_8));
            case HEX -> writer.bytes(number, hex());
            case BYTES -> writer.bytes(number, base64());
            case MESSAGE -> {
                if (parser.currentToken() != JsonToken.START_OBJECT) {
                    throw expected("an object");
                }
                writer.bytes(number, message(OtlpSchema.nested(field)));
            }
            case FIXED32 -> writer.fixed32(number, (int) integer(0, 0xffff_ffffL));
            case FIXED64 -> writer.fixed64(number, integer64(false));
            case SFIXED64 -> writer.fixed64(number, integer64(true));
            case DOUBLE -> writer.fixed64(number, Double.doubleToRawLongBits(real()));
            default -> {
                // the tag, and the value even where it is zero: inside a oneof zero is not absence
                writer.rawVarint((long) number << 3);
                bare(field.kind(), writer);
            }
        }
    }

    private void bare(Kind kind, ProtobufWriter writer) throws MalformedTelemetryException {
        switch (kind) {
            case BOOL -> writer.rawVarint(bool() ? 1 : 0);
            case ENUM -> writer.rawVarint(integer(Integer.MIN_VALUE, Integer.MAX_VALUE));
            case UINT32 -> writer.rawVarint(integer(0, 0xffff_ffffL));
            case SINT32 -> {
                int value = (int) integer(Integer.MIN_VALUE, Integer.MAX_VALUE);
                writer.rawVarint((value << 1 ^ value >> 31) & 0xffff_ffffL);
            }
            case INT64 -> writer.rawVarint(integer64(true));
            case UINT64 -> writer.rawVarint(integer64(false));
            case FIXED32 -> writer.littleEndian(integer(0, 0xffff_ffffL), 4);
            case FIXED64 -> writer.littleEndian(integer64(false), 8);
            case SFIXED64 -> writer.littleEndian(integer64(true), 8);
            case DOUBLE -> writer.littleEndian(Double.doubleToRawLongBits(real()), 8);
            default -> throw new IllegalArgumentException(kind + " is not a number");
        }
    }

    private String text() throws MalformedTelemetryException {
        if (parser.currentToken() != JsonToken.VALUE_STRING) {
            throw expected("text");
        }
        return parser.getString();
    }

    private byte[] hex() throws MalformedTelemetryException {
        try {
            return HexFormat.of().parseHex(text());
        } catch (IllegalArgumentException e) {
            throw expected("an id in hex");
        }
    }

    private byte[] base64() throws MalformedTelemetryException {
        try {
            // proto3 JSON accepts both alphabets
            return Base64.getDecoder().decode(text().replace('-', '+').replace('_', '/'));
        } catch (IllegalArgumentException e) {
            throw expected("bytes in base64");
        }
    }

    private boolean bool() throws MalformedTelemetryException {
        return switch (parser.currentToken()) {
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            default -> throw expected("true or false");
        };
    }

    private long integer(long min, long max) throws MalformedTelemetryException {
        BigInteger value = bigInteger();
        if (value.compareTo(BigInteger.valueOf(min)) < 0 || value.compareTo(BigInteger.valueOf(max)) > 0) {
            throw expected("an integer from " + min + " to " + max);
        }
        return value.longValue();
    }

    private long integer64(boolean signed) throws MalformedTelemetryException {
        BigInteger value = bigInteger();
        boolean fits = signed ? value.bitLength() < 64 : value.signum() >= 0 && value.compareTo(UINT64_MAX) <= 0;
        if (!fits || value.compareTo(INT64_MIN) < 0) {
            throw expected("a 64-bit integer");
        }
        return value.longValue();
    }

    private BigInteger bigInteger() throws MalformedTelemetryException {
        try {
            return switch (parser.currentToken()) {
                case VALUE_NUMBER_INT -> parser.getBigIntegerValue();
                case VALUE_STRING -> shortInteger(parser.getString());
                default -> throw expected("an integer");
            };
        } catch (NumberFormatException e) {
            throw expected("an integer");
        }
    }

    private BigInteger shortInteger(String text) throws MalformedTelemetryException {
        // reading a number takes time in the square of its digits
        if (text.length() > 24) {
            throw expected("a 64-bit integer");
        }
        return new BigInteger(text);
    }

    private double real() throws MalformedTelemetryException {
        try {
            return switch (parser.currentToken()) {
                case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
                case VALUE_STRING -> Double.parseDouble(parser.getString());
                default -> throw expected("a number");
            };
        } catch (NumberFormatException e) {
            throw expected("a number");
        }
    }
}

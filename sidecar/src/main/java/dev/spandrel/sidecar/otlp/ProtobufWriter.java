package dev.spandrel.sidecar.otlp;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes the fields of one small protobuf message; the plain counterpart of {@link ProtobufReader}. */
public final class ProtobufWriter {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream(64);

    /** A number field; zero, the default of proto3, is left out. */
    public ProtobufWriter varint(int field, long value) {
        if (value != 0) {
            tag(field, ProtobufReader.VARINT);
            rawVarint(value);
        }
        return this;
    }

    public ProtobufWriter fixed64(int field, long value) {
        tag(field, ProtobufReader.FIXED64);
        littleEndian(value, 8);
        return this;
    }

    public ProtobufWriter fixed32(int field, int value) {
        tag(field, ProtobufReader.FIXED32);
        littleEndian(value, 4);
        return this;
    }

    /** A text field; the empty text, the default of proto3, is left out. */
    public ProtobufWriter string(int field, String value) {
        return value.isEmpty() ? this : bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    /** A message, string or bytes field, written even when empty. */
    public ProtobufWriter bytes(int field, byte[] value) {
        return bytes(field, value, 0, value.length);
    }

    public ProtobufWriter bytes(int field, byte[] value, int from, int to) {
        header(field, to - from);
        return raw(value, from, to);
    }

    /** Only the tag and the length of a length-delimited field; the caller writes the value. */
    public ProtobufWriter header(int field, int length) {
        tag(field, ProtobufReader.LENGTH_DELIMITED);
        rawVarint(length);
        return this;
    }

    /** Copies whole fields, tags included. */
    public ProtobufWriter raw(byte[] fields, int from, int to) {
        out.write(fields, from, to - from);
        return this;
    }

    /** A bare number: an element of a packed field. */
    public ProtobufWriter rawVarint(long value) {
        long rest = value;
        while ((rest & ~0x7fL) != 0) {
            out.write((int) (rest & 0x7f | 0x80));
            rest >>>= 7;
        }
        out.write((int) rest);
        return this;
    }

    /** Bare bytes of a number, lowest first: an element of a packed field. */
    public ProtobufWriter littleEndian(long value, int bytes) {
        for (int i = 0; i < bytes; i++) {
            out.write((int) (value >>> 8 * i));
        }
        return this;
    }

    private void tag(int field, int wireType) {
        rawVarint((long) field << 3 | wireType);
    }

    public int size() {
        return out.size();
    }

    public byte[] toByteArray() {
        return out.toByteArray();
    }
}

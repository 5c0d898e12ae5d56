package dev.spandrel.sidecar.otlp;

import java.nio.charset.StandardCharsets;

/**
 * Walks the fields of one encoded protobuf message in place, without a schema and without copying. After
 * {@link #next()} the accessors describe the field it stands on; {@link #message()} opens a nested one. Every length is
 * checked against the enclosing message, so no input makes it read outside its range. Not thread-safe.
 */
public final class ProtobufReader {
    public static final int VARINT = 0;
    public static final int FIXED64 = 1;
    public static final int LENGTH_DELIMITED = 2;
    public static final int START_GROUP = 3;
    public static final int END_GROUP = 4;
    public static final int FIXED32 = 5;

    /** Groups are obsolete but legal as unknown fields; nobody nests them deeper than this. */
    private static final int MAX_GROUP_DEPTH = 32;

    private final byte[] buffer;
    private final int limit;
    private int position;
    private int fieldStart;
    private int field;
    private int wireType;
    private int valueStart;
    private int valueEnd;
    private long varint;

    public ProtobufReader(byte[] buffer) {
        this(buffer, 0, buffer.length);
    }

    /** Reads {@code buffer[from, to)} as one message. */
    public ProtobufReader(byte[] buffer, int from, int to) {
        this.buffer = buffer;
        this.position = from;
        this.limit = to;
    }

    /** Moves to the next field; false at the end of the message. */
    public boolean next() throws MalformedTelemetryException {
        if (position >= limit) {
            return false;
        }
        fieldStart = position;
        readTag();
        skipValue(0);
        return true;
    }

    private void readTag() throws MalformedTelemetryException {
        int at = position;
        long tag = readVarint();
        field = (int) (tag >>> 3);
        wireType = (int) (tag & 7);
        if (field == 0 || tag >>> 32 != 0) {
            throw new MalformedTelemetryException("byte " + at + ": expected a field tag, found " + tag);
        }
    }

    private void skipValue(int depth) throws MalformedTelemetryException {
        valueStart = position;
        switch (wireType) {
            case VARINT -> varint = readVarint();
            case FIXED64 -> skip(8);
            case FIXED32 -> skip(4);
            case LENGTH_DELIMITED -> {
                long length = readVarint();
                valueStart = position;
                skip(length);
            }
            case START_GROUP -> skipGroup(depth);
            default ->
                throw new MalformedTelemetryException("byte " + fieldStart + ": field " + field + " has wire type "
                        + wireType + ", which is not valid");
        }
        valueEnd = position;
    }

    private void skipGroup(int depth) throws MalformedTelemetryException {
        int group = field;
        int from = position;
        if (depth == MAX_GROUP_DEPTH) {
            throw new MalformedTelemetryException("byte " + from + ": groups nest deeper than " + MAX_GROUP_DEPTH);
        }
        while (true) {
            if (position >= limit) {
                throw new MalformedTelemetryException("byte " + from + ": group " + group + " has no end");
            }
            readTag();
            if (wireType == END_GROUP) {
                break;
            }
            skipValue(depth + 1);
        }
        if (field != group) {
            throw new MalformedTelemetryException("group " + group + " is ended as group " + field);
        }
        wireType = START_GROUP;
        valueStart = from;
    }

    private void skip(long bytes) throws MalformedTelemetryException {
        if (bytes < 0 || bytes > limit - position) {
            throw new MalformedTelemetryException("byte " + fieldStart + ": field " + field + " announces "
                    + Long.toUnsignedString(bytes) + " bytes where " + (limit - position) + " are left");
        }
        position += (int) bytes;
    }

    private long readVarint() throws MalformedTelemetryException {
        long value = 0;
        for (int shift = 0; shift < 70; shift += 7) {
            if (position >= limit) {
                throw new MalformedTelemetryException("byte " + position + ": the message ends inside a number");
            }
            byte next = buffer[position++];
            value |= (long) (next & 0x7f) << shift;
            if (next >= 0) {
                return value;
            }
        }
        throw new MalformedTelemetryException("byte " + (position - 10) + ": a number is longer than 10 bytes");
    }

    public int field() {
        return field;
    }

    public int wireType() {
        return wireType;
    }

    /** Where the tag of this field begins. */
    public int fieldStart() {
        return fieldStart;
    }

    public int valueStart() {
        return valueStart;
    }

    /** Where this field ends, which is where the next begins. */
    public int valueEnd() {
        return valueEnd;
    }

    public byte[] buffer() {
        return buffer;
    }

    /** Whether this field is the given one and holds a message, string or bytes. */
    public boolean is(int number, int type) {
        return field == number && wireType == type;
    }

    /** The nested message of this length-delimited field. */
    public ProtobufReader message() throws MalformedTelemetryException {
        require(LENGTH_DELIMITED);
        return new ProtobufReader(buffer, valueStart, valueEnd);
    }

    /** The text of this field; malformed UTF-8 becomes replacement characters. */
    public String string() throws MalformedTelemetryException {
        require(LENGTH_DELIMITED);
        return new String(buffer, valueStart, valueEnd - valueStart, StandardCharsets.UTF_8);
    }

    public long varint() throws MalformedTelemetryException {
        require(VARINT);
        return varint;
    }

    /** The eight bytes of this field, little-endian. */
    public long fixed64() throws MalformedTelemetryException {
        require(FIXED64);
        return littleEndian(8);
    }

    /** The four bytes of this field, little-endian. */
    public int fixed32() throws MalformedTelemetryException {
        require(FIXED32);
        return (int) littleEndian(4);
    }

    private long littleEndian(int bytes) {
        long value = 0;
        for (int i = bytes - 1; i >= 0; i--) {
            value = value << 8 | buffer[valueStart + i] & 0xff;
        }
        return value;
    }

    /** Fails unless this field has the wire type its schema gives it. */
    public void require(int type) throws MalformedTelemetryException {
        if (wireType != type) {
            throw new MalformedTelemetryException(
                    "byte " + fieldStart + ": field " + field + " has wire type " + wireType + ", expected " + type);
        }
    }
}

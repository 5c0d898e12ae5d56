package dev.spandrel.sidecar.json;

import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.ProtobufReader;

/** The numbers of a packed repeated field, one after another. */
final class PackedNumbers {
    private final byte[] buffer;
    private final int end;
    private int at;

    PackedNumbers(ProtobufReader field) {
        this.buffer = field.buffer();
        this.at = field.valueStart();
        this.end = field.valueEnd();
    }

    boolean hasNext() {
        return at < end;
    }

    long fixed64() throws MalformedTelemetryException {
        if (end - at < Long.BYTES) {
            throw new MalformedTelemetryException("byte " + at + ": a packed field ends inside a number");
        }
        long value = 0;
        for (int i = Long.BYTES - 1; i >= 0; i--) {
            value = value << 8 | buffer[at + i] & 0xff;
        }
        at += Long.BYTES;
        return value;
    }

    long varint() throws MalformedTelemetryException {
        long value = 0;
        for (int shift = 0; shift < 70 && at < end; shift += 7) {
            byte next = buffer[at++];
            value |= (long) (next & 0x7f) << shift;
            if (next >= 0) {
                return value;
            }
        }
        throw new MalformedTelemetryException("byte " + at + ": a packed field holds a broken number");
    }
}

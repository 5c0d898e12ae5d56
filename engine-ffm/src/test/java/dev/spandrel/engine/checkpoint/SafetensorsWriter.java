package dev.spandrel.engine.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Writes small safetensors files, right or deliberately wrong. */
final class SafetensorsWriter {
    private final List<String> members = new ArrayList<>();
    private final ByteArrayOutputStream data = new ByteArrayOutputStream();

    /** Appends a tensor whose offsets are right; every data byte is its own position. */
    SafetensorsWriter tensor(String name, String dtype, List<Integer> shape, int bytes) {
        int begin = data.size();
        for (int i = 0; i < bytes; i++) {
            data.write(begin + i);
        }
        return member(name, dtype, shape, begin, begin + bytes);
    }

    /** Appends a header member only. */
    SafetensorsWriter member(String name, String dtype, List<Integer> shape, long begin, long end) {
        return raw("\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":[" + begin
                + "," + end + "]}");
    }

    SafetensorsWriter raw(String member) {
        members.add(member);
        return this;
    }

    SafetensorsWriter data(byte[] bytes) {
        data.writeBytes(bytes);
        return this;
    }

    byte[] bytes() {
        return file(members.stream().collect(Collectors.joining(",", "{", "}")), data.toByteArray());
    }

    Path write(Path file) throws IOException {
        return Files.write(file, bytes());
    }

    static byte[] file(String header, byte[] data) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + json.length + data.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .put(data)
                .array();
    }
}

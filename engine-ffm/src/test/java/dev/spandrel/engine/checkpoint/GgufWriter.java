package dev.spandrel.engine.checkpoint;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Writes small GGUF files for tests, sound ones and others. */
public final class GgufWriter {
    private final ByteArrayOutputStream keys = new ByteArrayOutputStream();
    private final ByteArrayOutputStream tensors = new ByteArrayOutputStream();
    private final ByteArrayOutputStream data = new ByteArrayOutputStream();
    private final int version;
    private int keyCount;
    private int tensorCount;

    public GgufWriter(int version) {
        this.version = version;
    }

    public GgufWriter text(String key, String value) {
        key(key, 8);
        string(keys, value);
        return this;
    }

    public GgufWriter u32(String key, int value) {
        key(key, 4);
        put(keys, 4, value);
        return this;
    }

    public GgufWriter f32(String key, float value) {
        key(key, 6);
        put(keys, 4, Float.floatToRawIntBits(value));
        return this;
    }

    public GgufWriter texts(String key, String... values) {
        key(key, 9);
        put(keys, 4, 8);
        put(keys, 8, values.length);
        for (String value : values) {
            string(keys, value);
        }
        return this;
    }

    public GgufWriter i32s(String key, int... values) {
        key(key, 9);
        put(keys, 4, 5);
        put(keys, 8, values.length);
        for (int value : values) {
            put(keys, 4, value);
        }
        return this;
    }

    /** A tensor of zeros. */
    public GgufWriter tensor(String name, int type, int bytes, long... innermostFirst) {
        string(tensors, name);
        put(tensors, 4, innermostFirst.length);
        for (long dimension : innermostFirst) {
            put(tensors, 8, dimension);
        }
        put(tensors, 4, type);
        put(tensors, 8, data.size());
        tensorCount++;
        data.writeBytes(new byte[(bytes + 31) / 32 * 32]);
        return this;
    }

    public byte[] bytes() {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        put(file, 4, GgufHeader.MAGIC);
        put(file, 4, version);
        put(file, 8, tensorCount);
        put(file, 8, keyCount);
        file.writeBytes(keys.toByteArray());
        file.writeBytes(tensors.toByteArray());
        file.writeBytes(new byte[Math.floorMod(-file.size(), 32)]);
        file.writeBytes(data.toByteArray());
        return file.toByteArray();
    }

    private void key(String key, int type) {
        string(keys, key);
        put(keys, 4, type);
        keyCount++;
    }

    private static void string(ByteArrayOutputStream out, String value) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        put(out, 8, bytes.length);
        out.writeBytes(bytes);
    }

    private static void put(ByteArrayOutputStream out, int bytes, long value) {
        byte[] all = ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array();
        out.write(all, 0, bytes);
    }
}

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;

/** Writes a model folder of the benches: a tokenizer's files, a configuration, and random weights of two bytes each. For speeds only. */
final class RandomSafetensors {
    /** How a weight is stored. */
    enum Type {
        BF16,
        F16;

        private short encode(float value) {
            return this == F16 ? Float.floatToFloat16(value) : (short) (Float.floatToRawIntBits(value) >>> 16);
        }
    }

    private static final String WEIGHTS = "model.safetensors";
    private static final int CHUNK = 1 << 16;

    private RandomSafetensors() {}

    /**
     * Makes {@code folder} unless it has weights.
     *
     * @param tokenizer the folder that tokenizer files are copied from
     * @param config what config.json says
     * @param shapes of the tensors by name, in the file's order
     */
    static void write(Path folder, Path tokenizer, String config, Type type, Map<String, int[]> shapes) throws IOException {
        if (Files.exists(folder.resolve(WEIGHTS))) {
            return;
        }
        Files.createDirectories(folder);
        for (String file : new String[] {"vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"}) {
            Files.writeString(folder.resolve(file), Files.readString(tokenizer.resolve(file)));
        }
        Files.writeString(folder.resolve("config.json"), config);
        Path part = folder.resolve(WEIGHTS + ".part");
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(part), 1 << 20)) {
            out.write(header(type, shapes));
            numbers(out, type, shapes.values().stream().mapToLong(RandomSafetensors::bytes).sum());
        }
        Files.move(part, folder.resolve(WEIGHTS));
    }

    private static long bytes(int[] shape) {
        long bytes = 2;
        for (int size : shape) {
            bytes *= size;
        }
        return bytes;
    }

    private static byte[] header(Type type, Map<String, int[]> shapes) {
        StringBuilder header = new StringBuilder("{");
        long offset = 0;
        for (Map.Entry<String, int[]> entry : shapes.entrySet()) {
            StringBuilder shape = new StringBuilder();
            for (int size : entry.getValue()) {
                shape.append(shape.isEmpty() ? "" : ",").append(size);
            }
            long end = offset + bytes(entry.getValue());
            header.append(header.length() == 1 ? "" : ",")
                    .append('"').append(entry.getKey()).append("\":{\"dtype\":\"").append(type).append("\",\"shape\":[").append(shape)
                    .append("],\"data_offsets\":[").append(offset).append(',').append(end).append("]}");
            offset = end;
        }
        header.append('}');
        header.repeat(' ', (8 - header.length() % 8) % 8);
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        ByteBuffer all = ByteBuffer.allocate(8 + json.length).order(ByteOrder.LITTLE_ENDIAN);
        return all.putLong(json.length).put(json).array();
    }

    private static void numbers(OutputStream out, Type type, long bytes) throws IOException {
        SplittableRandom random = new SplittableRandom(7);
        ByteBuffer chunk = ByteBuffer.allocate(CHUNK).order(ByteOrder.LITTLE_ENDIAN);
        for (long left = bytes; left > 0; left -= CHUNK) {
            chunk.clear();
            while (chunk.hasRemaining()) {
                chunk.putShort(type.encode((float) random.nextDouble(-0.05, 0.05)));
            }
            out.write(chunk.array(), 0, (int) Math.min(CHUNK, left));
        }
    }
}

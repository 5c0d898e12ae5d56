package dev.spandrel.engine.model;

import dev.spandrel.engine.checkpoint.Checkpoint;
import dev.spandrel.engine.checkpoint.TensorInfo;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Random weights of whatever names and shapes a family asks for, in the type that the configuration names: for benchmarks
 * and for trying out sizes without a download. All tensors are views of one stretch of numbers, as long as the largest of
 * them, so a model of any size is there at once; the same seed gives the same weights.
 */
final class DummyCheckpoint implements Checkpoint {
    private static final long SEED = 0x5EED;

    /** Small enough that scores stay calm through a hundred layers. */
    private static final float RANGE = 0.05f;

    /** How far views may start apart; a prime, so that they do not line up with rows. */
    private static final int SPREAD = 65_521;

    private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path path;
    private final DType dtype;
    private final Arena arena = Arena.ofShared();
    private final SortedMap<String, TensorInfo> asked = new TreeMap<>();
    private MemorySegment numbers;

    DummyCheckpoint(ModelConfig config) {
        path = config.folder();
        String name = config.text("dtype", config.text("torch_dtype", "float32"));
        dtype = switch (name) {
            case "bfloat16" -> DType.BF16;
            case "float16" -> DType.F16;
            default -> DType.F32;
        };
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public SortedMap<String, TensorInfo> tensors() {
        return Collections.emptySortedMap();
    }

    @Override
    public TensorInfo find(String name, List<Long> shape) {
        long bytes = dtype.bytes(Tensor.elements(shape));
        return asked.computeIfAbsent(name, key -> new TensorInfo(key, dtype, shape, "no file", 0, bytes));
    }

    @Override
    public Tensor tensor(String name) {
        TensorInfo info = asked.get(name);
        if (info == null) {
            return null;
        }
        long start = Math.floorMod(name.hashCode(), SPREAD) * dtype.bytes(1);
        return new Tensor(dtype, info.shape(), numbers().asSlice(start, info.byteSize()));
    }

    private synchronized MemorySegment numbers() {
        if (numbers == null) {
            long largest = asked.values().stream()
                    .mapToLong(TensorInfo::byteSize)
                    .max()
                    .orElse(0);
            numbers = arena.allocate(largest + SPREAD * dtype.bytes(1), 64);
            fill(numbers, dtype);
        }
        return numbers;
    }

    private static void fill(MemorySegment into, DType dtype) {
        // The fastest of the JDK's; a gigabyte takes about a second.
        RandomGenerator random =
                RandomGeneratorFactory.of("Xoroshiro128PlusPlus").create(SEED);
        long count = into.byteSize() / dtype.bytes(1);
        for (long i = 0; i < count; i++) {
            float value = (random.nextFloat() * 2 - 1) * RANGE;
            switch (dtype) {
                case BF16 -> into.set(I16, 2 * i, (short) (Float.floatToRawIntBits(value) >>> 16));
                case F16 -> into.set(I16, 2 * i, Float.floatToFloat16(value));
                default -> into.set(I32, 4 * i, Float.floatToRawIntBits(value));
            }
        }
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}

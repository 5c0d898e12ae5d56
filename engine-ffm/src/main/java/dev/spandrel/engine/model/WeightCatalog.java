package dev.spandrel.engine.model;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.checkpoint.Checkpoint;
import dev.spandrel.engine.checkpoint.TensorInfo;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * The tensors of a checkpoint as a family asks for them: by name and shape, every mismatch noted, told together. A family
 * first asks for everything, then calls {@link #check}, then takes the tensors.
 */
final class WeightCatalog {
    /** More lines than this help nobody; the rest is counted. */
    private static final int MOST_PROBLEMS = 40;

    private final String model;
    private final Checkpoint checkpoint;
    private final List<String> problems = new ArrayList<>();
    private final Map<String, List<Long>> asked = new HashMap<>();

    WeightCatalog(String model, Checkpoint checkpoint) {
        this.model = model;
        this.checkpoint = checkpoint;
    }

    boolean has(String name) {
        return checkpoint.tensors().containsKey(name);
    }

    /** Whether the numbers are those of a GGUF file; see {@link Checkpoint.Dialect}. */
    boolean isGguf() {
        return checkpoint.dialect() == Checkpoint.Dialect.GGUF;
    }

    /** Notes that the family needs this tensor in this shape. */
    void expect(String name, long... shape) {
        List<Long> expected = Arrays.stream(shape).boxed().toList();
        asked.put(name, expected);
        TensorInfo found = checkpoint.find(name, expected);
        if (found == null && checkpoint.unsupported().containsKey(name)) {
            problems.add("tensor " + name + ": expected one of " + Arrays.toString(DType.values()) + ", found "
                    + checkpoint.unsupported().get(name));
        } else if (found == null) {
            problems.add("tensor " + name + ": expected shape " + expected + ", found nothing");
        } else if (!found.shape().equals(expected)) {
            problems.add("tensor " + name + ": expected shape " + expected + ", found " + found.shape() + " in "
                    + found.file());
        }
    }

    /**
     * Ends the asking.
     *
     * @param harmless names that checkpoints of this family carry without need
     * @throws EngineException.ModelLoad with every mismatch; tensors nobody asked for are named too, since they are often
     *     the missing ones under another name
     */
    void check(Set<String> harmless) {
        if (problems.isEmpty()) {
            return;
        }
        Set<String> unasked = new HashSet<>(checkpoint.tensors().keySet());
        unasked.removeAll(asked.keySet());
        unasked.removeAll(harmless);
        List<String> all = new ArrayList<>(problems);
        unasked.stream()
                .sorted()
                .map(name -> "tensor " + name + ": not part of this architecture, shape "
                        + checkpoint.tensors().get(name).shape())
                .forEach(all::add);
        if (all.size() > MOST_PROBLEMS) {
            int more = all.size() - MOST_PROBLEMS;
            all = new ArrayList<>(all.subList(0, MOST_PROBLEMS));
            all.add("and " + more + " more of this kind");
        }
        throw new EngineException.ModelLoad(model, all);
    }

    /**
     * Refuses what does not fit before anything is uploaded.
     *
     * @throws EngineException.ModelLoad with the bytes needed and available
     */
    void checkMemory(Backend backend) {
        checkMemory(backend::bytes, backend.availableBytes());
    }

    /** @param bytes what a tensor of a type and shape will take */
    void checkMemory(BiFunction<DType, List<Long>, Long> bytes, long available) {
        long needed = 0;
        for (Map.Entry<String, List<Long>> each : asked.entrySet()) {
            TensorInfo info = checkpoint.find(each.getKey(), each.getValue());
            needed = Math.addExact(needed, bytes.apply(info.dtype(), each.getValue()));
        }
        if (needed > available) {
            throw new EngineException.ModelLoad(
                    model,
                    "its " + parameters() + " weights need " + needed + " bytes, found " + available
                            + " available; --quantization int8 or int4 needs less");
        }
    }

    /** The tensor of a name that was asked for. */
    Tensor take(String name) {
        if (!asked.containsKey(name)) {
            throw new IllegalStateException("tensor " + name + " was not asked for");
        }
        return checkpoint.tensor(name);
    }

    /** Number of elements in all tensors asked for. */
    long parameters() {
        return asked.values().stream().mapToLong(Tensor::elements).sum();
    }
}

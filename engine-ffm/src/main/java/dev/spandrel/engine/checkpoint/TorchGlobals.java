package dev.spandrel.engine.checkpoint;

import dev.spandrel.engine.checkpoint.Unpickler.Tuple;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The names a pickle of tensors may ask for, and what they mean here. Nothing is looked up anywhere: a name is one of
 * these or it is refused.
 */
final class TorchGlobals {
    /** What a pickle calls instead of code. */
    private enum Function {
        ORDERED_DICT,
        REBUILD_TENSOR,
        REBUILD_PARAMETER
    }

    /**
     * Elements of one kind that tensors are views of.
     *
     * @param type in the words of {@link TensorEntry}
     * @param key by which the file finds its bytes
     */
    record Storage(String type, String key, long elements) {}

    /**
     * A tensor as a view of a storage.
     *
     * @param offset first element
     * @param stride elements from one index to the next, by dimension
     */
    record StoredTensor(Storage storage, long offset, List<Long> shape, List<Long> stride) {}

    /** A storage class. */
    private record StorageType(String type) {}

    private static final Map<String, Object> NAMES = new TreeMap<>(Map.of(
            "collections.OrderedDict", Function.ORDERED_DICT,
            "torch._utils._rebuild_tensor", Function.REBUILD_TENSOR,
            "torch._utils._rebuild_tensor_v2", Function.REBUILD_TENSOR,
            "torch._utils._rebuild_parameter", Function.REBUILD_PARAMETER));

    static {
        Map.of(
                        "Float", "F32",
                        "Half", "F16",
                        "BFloat16", "BF16",
                        "Double", "F64",
                        "Long", "I64",
                        "Int", "I32",
                        "Short", "I16",
                        "Char", "I8",
                        "Byte", "U8",
                        "Bool", "BOOL")
                .forEach((name, type) -> NAMES.put("torch." + name + "Storage", new StorageType(type)));
    }

    private TorchGlobals() {}

    static Object global(String module, String name, long offset) {
        Object known = NAMES.get(module + "." + name);
        if (known == null) {
            throw new FormatException(
                    offset,
                    "the pickle asks for " + shortened(module + "." + name)
                            + ", which is no part of a tensor; only these are read: " + NAMES.keySet());
        }
        return known;
    }

    static Object call(Object function, Object arguments, long offset) {
        List<Object> values = tuple(arguments, offset);
        if (!(function instanceof Function known)) {
            throw new FormatException(offset, "expected one of torch's functions to call, found " + kind(function));
        }
        return switch (known) {
            case ORDERED_DICT -> dictionary(values, offset);
            case REBUILD_TENSOR -> tensor(values, offset);
            case REBUILD_PARAMETER ->
                values.isEmpty() ? tensor(values, offset) : expectTensor(values.getFirst(), offset);
        };
    }

    /** A persistent id: ('storage', type, key, device, elements). */
    static Storage storage(Object id, long offset) {
        List<Object> parts = tuple(id, offset);
        if (parts.size() >= 5
                && "storage".equals(parts.get(0))
                && parts.get(1) instanceof StorageType type
                && parts.get(2) instanceof String key
                && parts.get(4) instanceof Long elements
                && elements >= 0) {
            return new Storage(type.type(), key, elements);
        }
        throw new FormatException(offset, "expected ('storage', type, key, device, elements), found another tuple");
    }

    private static Object dictionary(List<Object> arguments, long offset) {
        if (!arguments.isEmpty() && !(arguments.getFirst() instanceof ArrayList<?> pairs && pairs.isEmpty())) {
            throw new FormatException(offset, "expected OrderedDict without arguments, found some");
        }
        return new LinkedHashMap<>();
    }

    private static Object tensor(List<Object> arguments, long offset) {
        if (arguments.size() >= 4
                && arguments.get(0) instanceof Storage storage
                && arguments.get(1) instanceof Long first
                && first >= 0) {
            List<Long> shape = sizes(arguments.get(2), offset);
            List<Long> stride = sizes(arguments.get(3), offset);
            if (shape.size() == stride.size()) {
                return new StoredTensor(storage, first, shape, stride);
            }
        }
        throw new FormatException(
                offset, "expected storage, offset, sizes and as many strides of a tensor, found others");
    }

    private static Object expectTensor(Object value, long offset) {
        if (value instanceof StoredTensor) {
            return value;
        }
        throw new FormatException(offset, "expected a tensor as parameter, found " + kind(value));
    }

    private static List<Long> sizes(Object tuple, long offset) {
        List<Long> sizes = new ArrayList<>();
        for (Object each : tuple(tuple, offset)) {
            if (!(each instanceof Long size) || size < 0) {
                throw new FormatException(offset, "expected a size of a tensor, found " + kind(each));
            }
            sizes.add(size);
        }
        return sizes;
    }

    private static List<Object> tuple(Object value, long offset) {
        if (value instanceof Tuple tuple) {
            return tuple.values();
        }
        throw new FormatException(offset, "expected a tuple, found " + kind(value));
    }

    /** A word for a value; never its contents, which may contain themselves. */
    static String kind(Object value) {
        return switch (value) {
            case String text -> "text '" + shortened(text) + "'";
            case Number number -> "a number";
            case Boolean flag -> "a flag";
            case Tuple tuple -> "a tuple";
            case List<?> list -> "a list";
            case Map<?, ?> map -> "a dictionary";
            case StoredTensor tensor -> "a tensor";
            case Storage storage -> "a storage";
            case Function function -> "the name " + function;
            case StorageType type -> "a storage type";
            default -> value.toString();
        };
    }

    private static String shortened(String text) {
        return text.length() <= 80 ? text : text.substring(0, 80) + "…";
    }
}

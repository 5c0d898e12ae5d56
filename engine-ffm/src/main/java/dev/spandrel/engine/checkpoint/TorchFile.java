package dev.spandrel.engine.checkpoint;

import dev.spandrel.engine.checkpoint.TorchGlobals.Storage;
import dev.spandrel.engine.checkpoint.TorchGlobals.StoredTensor;
import dev.spandrel.engine.checkpoint.ZipDirectory.Place;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A file of torch.save that holds a state dict: since 1.6 a zip archive with a pickle and one file per storage, before a
 * magic number, pickles and storages one after another (torch/serialization.py).
 */
final class TorchFile {
    private static final java.math.BigInteger MAGIC = new java.math.BigInteger("1950a86a20f9469cfc6c", 16);
    private static final long LEGACY_PROTOCOL = 1001;
    private static final Map<String, Integer> SIZES =
            Map.of("F64", 8, "I64", 8, "F32", 4, "I32", 4, "F16", 2, "BF16", 2, "I16", 2, "I8", 1, "U8", 1, "BOOL", 1);

    private TorchFile() {}

    /** See {@link FileFormat#read}. */
    static List<TensorEntry> read(String file, MemorySegment mapped, List<String> problems) {
        try {
            boolean zip = mapped.byteSize() >= 4 && new ByteReader(mapped, 0, 4).i32() == 0x04034b50;
            return zip ? readZip(mapped) : readLegacy(mapped);
        } catch (FormatException e) {
            problems.add(file + ": " + e.getMessage());
            return List.of();
        }
    }

    private static List<TensorEntry> readZip(MemorySegment mapped) {
        Map<String, Place> places = ZipDirectory.read(mapped);
        String pickle = places.keySet().stream()
                .filter(name -> name.equals("data.pkl") || name.endsWith("/data.pkl"))
                .findFirst()
                .orElseThrow(() -> new FormatException(0, "expected data.pkl in the archive, found none"));
        String folder = pickle.substring(0, pickle.length() - "data.pkl".length());
        Place order = places.get(folder + "byteorder");
        if (order != null) {
            String found = new ByteReader(mapped, order.offset(), order.offset() + order.size()).utf8(order.size());
            if (!found.equals("little")) {
                throw new FormatException(order.offset(), "expected byte order little, found another");
            }
        }
        Place place = places.get(pickle);
        ByteReader in = new ByteReader(mapped, place.offset(), place.offset() + place.size());
        Map<String, Place> storages = new HashMap<>();
        places.forEach((name, each) -> {
            if (name.startsWith(folder + "data/")) {
                storages.put(name.substring(folder.length() + 5), each);
            }
        });
        return entries(new Unpickler(in).read(), storages);
    }

    private static List<TensorEntry> readLegacy(MemorySegment mapped) {
        ByteReader in = new ByteReader(mapped, 0, mapped.byteSize());
        if (!MAGIC.equals(new Unpickler(in).read())) {
            throw new FormatException(0, "expected a file of torch.save, found another pickle");
        }
        if (!Long.valueOf(LEGACY_PROTOCOL).equals(new Unpickler(in).read())) {
            throw new FormatException(0, "expected torch's protocol " + LEGACY_PROTOCOL + ", found another");
        }
        Object system = new Unpickler(in).read();
        if (system instanceof Map<?, ?> map && Boolean.FALSE.equals(map.get("little_endian"))) {
            throw new FormatException(0, "expected byte order little, found big");
        }
        Object root = new Unpickler(in).read();
        Object keys = new Unpickler(in).read();
        if (!(keys instanceof List<?> list)) {
            throw new FormatException(in.position(), "expected a list of storages, found " + TorchGlobals.kind(keys));
        }
        return entries(root, legacyStorages(in, list, elementSizes(root)));
    }

    /** Storages lie in the order of their keys: eight bytes of element count, then the elements. */
    private static Map<String, Place> legacyStorages(ByteReader in, List<?> keys, Map<String, Integer> sizes) {
        Map<String, Place> places = new HashMap<>();
        for (Object key : keys) {
            Integer size = key instanceof String text ? sizes.get(text) : null;
            if (size == null) {
                throw new FormatException(in.position(), "expected a storage that a tensor uses, found another");
            }
            long count = in.i64();
            if (count < 0 || count > in.remaining() / size) {
                throw new FormatException(
                        in.position(), "expected " + count + " elements, found " + in.remaining() + " bytes");
            }
            places.put((String) key, new Place(in.take(count * size), count * size));
        }
        return places;
    }

    private static Map<String, Integer> elementSizes(Object root) {
        Map<String, Integer> sizes = new HashMap<>();
        tensors(root)
                .forEach((name, tensor) -> sizes.put(
                        tensor.storage().key(), SIZES.get(tensor.storage().type())));
        return sizes;
    }

    /** The tensors of a state dict; what else lies in it is not needed. */
    private static Map<String, StoredTensor> tensors(Object root) {
        if (!(root instanceof Map<?, ?> map)) {
            throw new FormatException(0, "expected a dictionary of tensors, found " + TorchGlobals.kind(root));
        }
        Map<String, StoredTensor> tensors = new HashMap<>();
        map.forEach((name, value) -> {
            if (name instanceof String text && value instanceof StoredTensor tensor) {
                tensors.put(text, tensor);
            }
        });
        if (tensors.isEmpty()) {
            throw new FormatException(0, "expected a dictionary with tensors, found none in it");
        }
        return tensors;
    }

    private static List<TensorEntry> entries(Object root, Map<String, Place> storages) {
        List<TensorEntry> entries = new ArrayList<>();
        tensors(root).forEach((name, tensor) -> entries.add(entry(name, tensor, storages)));
        return entries;
    }

    private static TensorEntry entry(String name, StoredTensor tensor, Map<String, Place> storages) {
        Storage storage = tensor.storage();
        Place place = storages.get(storage.key());
        if (place == null) {
            throw new FormatException(0, "tensor " + name + ": expected storage " + storage.key() + ", found none");
        }
        int elementSize = SIZES.get(storage.type());
        try {
            long size = Math.multiplyExact(Tensor.elements(tensor.shape()), elementSize);
            long first = Math.multiplyExact(tensor.offset(), elementSize);
            if (Math.addExact(first, size) > place.size()) {
                throw new FormatException(
                        place.offset(),
                        "tensor " + name + ": expected " + size + " bytes from byte " + first
                                + " of its storage, found " + place.size());
            }
            checkRowMajor(name, tensor, place.offset());
            return new TensorEntry(
                    name, storage.type(), DType.plain(storage.type()), tensor.shape(), place.offset() + first, size);
        } catch (ArithmeticException e) {
            throw new FormatException(
                    place.offset(), "tensor " + name + ": expected a size a file can have, found " + tensor.shape());
        }
    }

    private static void checkRowMajor(String name, StoredTensor tensor, long offset) {
        long expected = 1;
        for (int i = tensor.shape().size() - 1; i >= 0; i--) {
            if (tensor.shape().get(i) > 1 && tensor.stride().get(i) != expected) {
                throw new FormatException(
                        offset,
                        "tensor " + name + ": expected rows one after another, found strides " + tensor.stride()
                                + " for " + tensor.shape() + "; save it after .contiguous()");
            }
            expected = Math.multiplyExact(expected, Math.max(1, tensor.shape().get(i)));
        }
    }
}

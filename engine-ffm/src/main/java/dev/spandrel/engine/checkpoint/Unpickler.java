package dev.spandrel.engine.checkpoint;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads a Python pickle as far as torch.save needs it for tensors, and nothing else: dictionaries, lists, tuples, numbers,
 * text, and the few names of {@link TorchGlobals}. Whatever else a pickle asks for is refused by name before anything is
 * made of it; no name is ever looked up. Memory stays within a small multiple of the file, and nothing recurses.
 */
final class Unpickler {
    /** A tuple; lists are {@link ArrayList}, dictionaries {@link LinkedHashMap}, None is {@link #NONE}. */
    record Tuple(List<Object> values) {}

    static final Object NONE = new Object() {
        @Override
        public String toString() {
            return "None";
        }
    };

    private final ByteReader in;
    private final ArrayList<Object> stack = new ArrayList<>();
    private final Deque<Integer> marks = new ArrayDeque<>();
    private final Map<Long, Object> memo = new HashMap<>();
    private long operationAt;

    Unpickler(ByteReader in) {
        this.in = in;
    }

    /**
     * Reads one pickle; the reader then stands behind it.
     *
     * @throws FormatException for anything that is not a pickle of tensors
     */
    Object read() {
        while (true) {
            operationAt = in.position();
            int operation = in.u8();
            if (operation == '.') {
                return pop();
            }
            if (!literal(operation) && !structure(operation) && !call(operation)) {
                throw problem(
                        "expected an operation of a tensor file's pickle, found 0x" + Integer.toHexString(operation));
            }
        }
    }

    private boolean literal(int operation) {
        switch (operation) {
            case 'N' -> push(NONE);
            case 0x88 -> push(true);
            case 0x89 -> push(false);
            case 'J' -> push((long) in.i32());
            case 'K' -> push((long) in.u8());
            case 'M' -> push((long) in.u16());
            case 0x8a -> push(integer(in.bytes(in.u8())));
            case 'G' -> push(Double.longBitsToDouble(Long.reverseBytes(in.i64())));
            case 'X' -> push(in.utf8(in.u32()));
            case 0x8c, 'U' -> push(in.utf8(in.u8()));
            case 'T' -> push(in.utf8(in.u32()));
            default -> {
                return false;
            }
        }
        return true;
    }

    private boolean structure(int operation) {
        switch (operation) {
            case 0x80 -> protocol(in.u8());
            case 0x95 -> in.i64();
            case '(' -> marks.push(stack.size());
            case ')' -> push(new Tuple(List.of()));
            case 't' -> push(new Tuple(sinceMark()));
            case 0x85, 0x86, 0x87 -> push(new Tuple(last(operation - 0x84)));
            case ']' -> push(new ArrayList<>());
            case '}' -> push(new LinkedHashMap<>());
            case 'a' -> append(last(1));
            case 'e' -> append(sinceMark());
            case 's' -> setItems(last(2));
            case 'u' -> setItems(sinceMark());
            case 'q' -> memo.put((long) in.u8(), top());
            case 'r' -> memo.put(in.u32(), top());
            case 0x94 -> memo.put((long) memo.size(), top());
            case 'h' -> push(remembered(in.u8()));
            case 'j' -> push(remembered(in.u32()));
            case '0' -> pop();
            default -> {
                return false;
            }
        }
        return true;
    }

    private boolean call(int operation) {
        switch (operation) {
            case 'c' -> push(TorchGlobals.global(in.line(), in.line(), operationAt));
            case 0x93 -> {
                List<Object> names = last(2);
                push(TorchGlobals.global(text(names.get(0)), text(names.get(1)), operationAt));
            }
            case 'R' -> {
                List<Object> call = last(2);
                push(TorchGlobals.call(call.get(0), call.get(1), operationAt));
            }
            case 'Q' -> push(TorchGlobals.storage(pop(), operationAt));
            case 'b' -> {
                // The attributes of a state dict, such as its _metadata: nothing to load.
                pop();
                expect(LinkedHashMap.class, "attributes only of a dictionary");
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    private void protocol(int version) {
        if (version < 2 || version > 5) {
            throw problem("expected pickle protocol 2 to 5, found " + version);
        }
    }

    /** Python's LONG1: little-endian, two's complement. torch's magic number has ten bytes. */
    private static Object integer(byte[] bytes) {
        if (bytes.length == 0) {
            return 0L;
        }
        byte[] bigEndian = bytes.clone();
        for (int i = 0; i < bytes.length; i++) {
            bigEndian[i] = bytes[bytes.length - 1 - i];
        }
        java.math.BigInteger value = new java.math.BigInteger(bigEndian);
        if (value.bitLength() < 64) {
            return value.longValue();
        }
        return value;
    }

    private void append(List<Object> values) {
        if (!(top() instanceof ArrayList<?>)) {
            throw problem("expected a list to append to, found " + TorchGlobals.kind(top()));
        }
        @SuppressWarnings("unchecked")
        List<Object> list = (List<Object>) top();
        list.addAll(values);
    }

    private void setItems(List<Object> pairs) {
        if (!(top() instanceof LinkedHashMap<?, ?>) || pairs.size() % 2 != 0) {
            throw problem("expected a dictionary and pairs to put there, found " + TorchGlobals.kind(top()) + " and "
                    + pairs.size() + " values");
        }
        @SuppressWarnings("unchecked")
        Map<Object, Object> map = (Map<Object, Object>) top();
        for (int i = 0; i < pairs.size(); i += 2) {
            Object key = pairs.get(i);
            if (!(key instanceof String) && !(key instanceof Long)) {
                throw problem("expected text or a number as key, found " + TorchGlobals.kind(key));
            }
            map.put(key, pairs.get(i + 1));
        }
    }

    private String text(Object value) {
        if (value instanceof String text) {
            return text;
        }
        throw problem("expected text, found " + TorchGlobals.kind(value));
    }

    private void expect(Class<?> type, String what) {
        if (!type.isInstance(top())) {
            throw problem("expected " + what + ", found " + TorchGlobals.kind(top()));
        }
    }

    private Object remembered(long index) {
        Object value = memo.get(index);
        if (value == null) {
            throw problem("expected a remembered value at " + index + ", found none");
        }
        return value;
    }

    private void push(Object value) {
        stack.add(value);
    }

    private Object top() {
        if (stack.isEmpty()) {
            throw problem("expected a value before this operation, found none");
        }
        return stack.getLast();
    }

    private Object pop() {
        return last(1).getFirst();
    }

    private List<Object> last(int count) {
        int floor = marks.isEmpty() ? 0 : marks.peek();
        if (stack.size() - count < floor) {
            throw problem("expected " + count + " values before this operation, found " + (stack.size() - floor));
        }
        return cut(stack.size() - count);
    }

    private List<Object> sinceMark() {
        if (marks.isEmpty()) {
            throw problem("expected a mark before this operation, found none");
        }
        return cut(marks.pop());
    }

    private List<Object> cut(int from) {
        List<Object> tail = stack.subList(from, stack.size());
        List<Object> values = Collections.unmodifiableList(new ArrayList<>(tail));
        tail.clear();
        return values;
    }

    private FormatException problem(String message) {
        return new FormatException(operationAt, message);
    }
}

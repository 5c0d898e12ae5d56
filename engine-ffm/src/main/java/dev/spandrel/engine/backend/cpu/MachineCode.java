package dev.spandrel.engine.backend.cpu;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Machine code in a read-execute mapping, called through the foreign function interface. Nothing is ever writable and
 * executable at once: bytes are copied into a private mapping, which is then turned over. The mapping stays until the process
 * ends, since nobody can know that no thread is inside.
 *
 * <p>Danger: whatever is called here may read and write anything. Its callers check every size before.
 */
@SuppressWarnings("restricted") // Calling native code is what it is for.
final class MachineCode {
    private static final int READ_WRITE = 3;
    private static final int READ_EXECUTE = 5;
    private static final int PRIVATE_ANONYMOUS = 0x22;

    /** Why code cannot run here. */
    static final class Refused extends Exception {
        private static final long serialVersionUID = 1;

        Refused(String message) {
            super(message);
        }
    }

    private final MemorySegment code;

    private MachineCode(MemorySegment code) {
        this.code = code;
    }

    /**
     * Maps code.
     *
     * @throws Refused when the system forbids executable mappings (SELinux execmem, a seccomp filter)
     */
    static MachineCode map(byte[] bytes) throws Refused {
        Linker linker = Linker.nativeLinker();
        SymbolLookup c = linker.defaultLookup();
        MethodHandle mmap = linker.downcallHandle(
                c.findOrThrow("mmap"),
                FunctionDescriptor.of(
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_LONG));
        MethodHandle mprotect = linker.downcallHandle(
                c.findOrThrow("mprotect"),
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
        long size = (bytes.length + 4095L) / 4096 * 4096;
        try {
            long at = (long) mmap.invokeExact(0L, size, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0L);
            if (at == -1) {
                throw new Refused("mmap gave no " + size + " bytes");
            }
            MemorySegment code = MemorySegment.ofAddress(at).reinterpret(size);
            MemorySegment.copy(bytes, 0, code, ValueLayout.JAVA_BYTE, 0, bytes.length);
            if ((int) mprotect.invokeExact(at, size, READ_EXECUTE) != 0) {
                throw new Refused("the system forbids executable mappings (SELinux execmem or a seccomp filter)");
            }
            return new MachineCode(code);
        } catch (Refused e) {
            throw e;
        } catch (Throwable e) {
            throw new Refused("mmap or mprotect cannot be called: " + e);
        }
    }

    /**
     * A function at an offset. It runs without telling the JVM, so it must be short, and may be given arrays of the heap.
     */
    MethodHandle function(int offset, FunctionDescriptor descriptor) {
        return Linker.nativeLinker().downcallHandle(code.asSlice(offset), descriptor, Linker.Option.critical(true));
    }

    /** {@code syscall(number, a, b)}. */
    static long systemCall(long number, long a, long b) {
        Linker linker = Linker.nativeLinker();
        MethodHandle syscall = linker.downcallHandle(
                linker.defaultLookup().findOrThrow("syscall"),
                FunctionDescriptor.of(
                        ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG),
                Linker.Option.firstVariadicArg(1));
        try {
            return (long) syscall.invokeExact(number, a, b);
        } catch (Throwable e) {
            throw new IllegalStateException("syscall " + number + " cannot be called", e);
        }
    }
}

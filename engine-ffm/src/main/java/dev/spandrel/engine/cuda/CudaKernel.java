package dev.spandrel.engine.cuda;

import dev.spandrel.cuda.bindings.driver.CUlaunchAttributeValue_union;
import dev.spandrel.cuda.bindings.driver.CUlaunchAttribute_st;
import dev.spandrel.cuda.bindings.driver.CUlaunchConfig_st;
import dev.spandrel.cuda.bindings.driver.cuda_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A kernel and the block its arguments are written to, made once and used for every launch by one thread: {@code
 * kernel.with(x).with(count).launch(…)}. Each argument is checked against the kernel's own parameter list, since the driver
 * takes whatever it finds there.
 */
public final class CudaKernel {
    private static final int PROGRAMMATIC_STREAM_SERIALIZATION = 6;

    private final MemorySegment function;
    private final KernelSignature signature;
    private final boolean overlaps;
    private final MemorySegment values;
    private final MemorySegment pointers;
    private final MemorySegment config;
    private final MemorySegment attribute;
    private int next;

    CudaKernel(MemorySegment function, KernelSignature signature, boolean overlaps, Arena arena) {
        this.function = function;
        this.signature = signature;
        this.overlaps = overlaps;
        int count = signature.parameters().size();
        values = arena.allocate(Math.max(1, count) * 8L, 8);
        pointers = arena.allocate(ValueLayout.ADDRESS, Math.max(1, count));
        for (int i = 0; i < count; i++) {
            pointers.setAtIndex(ValueLayout.ADDRESS, i, values.asSlice(i * 8L));
        }
        config = CUlaunchConfig_st.allocate(arena);
        attribute = CUlaunchAttribute_st.allocate(arena);
        CUlaunchAttribute_st.id(attribute, PROGRAMMATIC_STREAM_SERIALIZATION);
        CUlaunchAttributeValue_union.programmaticStreamSerializationAllowed(CUlaunchAttribute_st.value(attribute), 1);
    }

    /** The next argument, device memory. */
    public CudaKernel with(CudaMemory memory) {
        return address(memory.address());
    }

    /** The next argument, a device address; 0 where the kernel allows none. */
    public CudaKernel address(long address) {
        expect(KernelSignature.Kind.POINTER);
        values.setAtIndex(ValueLayout.JAVA_LONG, next++, address);
        return this;
    }

    /** The next argument, an {@code int}. */
    public CudaKernel with(int value) {
        expect(KernelSignature.Kind.INT);
        values.set(ValueLayout.JAVA_INT, 8L * next++, value);
        return this;
    }

    /** The next argument, a {@code long long}. */
    public CudaKernel with(long value) {
        expect(KernelSignature.Kind.LONG);
        values.setAtIndex(ValueLayout.JAVA_LONG, next++, value);
        return this;
    }

    /** The next argument, a {@code float}. */
    public CudaKernel with(float value) {
        expect(KernelSignature.Kind.FLOAT);
        values.set(ValueLayout.JAVA_FLOAT, 8L * next++, value);
        return this;
    }

    private void expect(KernelSignature.Kind kind) {
        if (next >= signature.parameters().size() || signature.parameters().get(next) != kind) {
            int at = next;
            next = 0;
            throw new IllegalArgumentException(
                    signature.name() + signature.parameters() + ": argument " + at + " is given as " + kind);
        }
    }

    /**
     * Enqueues the kernel with the arguments given since the last launch.
     *
     * @param gridX blocks
     * @param gridY blocks
     * @param gridZ blocks
     * @param threads threads of a block
     * @param sharedBytes dynamic shared memory of a block
     */
    public void launch(CudaStream stream, int gridX, int gridY, int gridZ, int threads, int sharedBytes) {
        int given = next;
        next = 0;
        if (given != signature.parameters().size()) {
            throw new IllegalArgumentException(
                    signature.name() + signature.parameters() + ": " + given + " arguments are given");
        }
        CUlaunchConfig_st.gridDimX(config, gridX);
        CUlaunchConfig_st.gridDimY(config, gridY);
        CUlaunchConfig_st.gridDimZ(config, gridZ);
        CUlaunchConfig_st.blockDimX(config, threads);
        CUlaunchConfig_st.blockDimY(config, 1);
        CUlaunchConfig_st.blockDimZ(config, 1);
        CUlaunchConfig_st.sharedMemBytes(config, sharedBytes);
        CUlaunchConfig_st.hStream(config, stream.handle());
        CUlaunchConfig_st.attrs(config, attribute);
        // A kernel that says where it waits may begin while the one before it drains (Hopper and later).
        CUlaunchConfig_st.numAttrs(config, overlaps && signature.overlaps() ? 1 : 0);
        Driver.check("cuLaunchKernelEx", cuda_h.cuLaunchKernelEx(config, function, pointers, MemorySegment.NULL));
    }

    /** Lets blocks have so much dynamic shared memory; needed beyond 48 KiB. */
    public void allowSharedBytes(int bytes) {
        Driver.check(
                "cuFuncSetAttribute",
                cuda_h.cuFuncSetAttribute(function, cuda_h.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES(), bytes));
    }
}

package dev.spandrel.engine.cuda;

/** The emulated device with a stream and memory, for one test; closing finds what the test left behind. */
public final class EmulatedDevice implements AutoCloseable {
    private final EmulatedCuda cuda;
    private final CudaContext context;
    private final CudaStream stream;
    private final DeviceMemoryPool pool;

    /**
     * Skips the test when there is no compiler.
     *
     * @param slabBytes as {@link DeviceMemoryPool} has it
     */
    public EmulatedDevice(long slabBytes) {
        cuda = EmulatedCuda.open();
        context = CudaContext.open(CudaDevice.of(0));
        stream = new CudaStream();
        pool = new DeviceMemoryPool(slabBytes);
    }

    public EmulatedCuda cuda() {
        return cuda;
    }

    public CudaStream stream() {
        return stream;
    }

    public DeviceMemoryPool pool() {
        return pool;
    }

    @Override
    public void close() {
        pool.close();
        stream.close();
        context.close();
        cuda.assertNothingIsLeft();
    }
}

package dev.spandrel.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The native door on the emulated driver, and that the emulation finds what it is there to find. */
class DriverEmulatedTest {
    private static final String KERNELS = """
            extern "C" __global__ void fill(float *out, int count, float value) {
                int i = blockIdx.x * blockDim.x + threadIdx.x;
                if (i < count) out[i] = value;
            }
            extern "C" __global__ void reverse(float *values) {
                __shared__ float kept[64];
                kept[threadIdx.x] = values[threadIdx.x];
                __syncthreads();
                values[threadIdx.x] = kept[63 - threadIdx.x];
            }
            extern "C" __global__ void stuck(float *values) {
                if (threadIdx.x == 0) __syncthreads();
                else __shfl_xor_sync(0xffffffffu, values[0], 1);
            }
            """;

    private EmulatedCuda cuda;
    private CudaContext context;
    private CudaStream stream;
    private CudaModule module;

    @BeforeEach
    void open(@TempDir Path folder) {
        cuda = EmulatedCuda.open();
        context = CudaContext.open(CudaDevice.of(0));
        stream = new CudaStream();
        module = load(folder);
    }

    private CudaModule load(Path folder) {
        KernelCache cache = new KernelCache(folder, KernelCompiler.version());
        return CudaModule.load(new KernelSource("test.cu", KERNELS, Map.of(), List.of()), context.device(), cache);
    }

    @AfterEach
    void close() {
        if (context != null) {
            module.close();
            stream.close();
            context.close();
            cuda.assertNothingIsLeft();
        }
    }

    private float[] read(CudaMemory memory, int count) {
        try (PinnedMemory host = new PinnedMemory(4L * count)) {
            memory.copyTo(host, 0, 0, 4L * count, stream);
            stream.synchronize();
            return host.segment().toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    private void fill(CudaMemory memory, int count, float value, CudaStream on) {
        module.kernel("fill").with(memory).with(count).with(value).launch(on, 1, 1, 1, 64, 0);
    }

    @Test
    void kernelsRunAndFreshMemoryIsNoNumber() {
        try (CudaMemory memory = CudaMemory.allocate(64 * 4)) {
            assertThat(read(memory, 64)).containsOnly(Float.NaN);
            fill(memory, 63, 2.5f, stream);
            float[] found = read(memory, 64);
            assertThat(found[62]).isEqualTo(2.5f);
            assertThat(found[63]).isNaN();
        }
    }

    @Test
    void threadsMeetAtBarriers() {
        try (CudaMemory memory = CudaMemory.allocate(64 * 4);
                PinnedMemory host = new PinnedMemory(64 * 4)) {
            for (int i = 0; i < 64; i++) {
                host.segment().setAtIndex(ValueLayout.JAVA_FLOAT, i, i);
            }
            memory.copyFrom(host, 0, 0, 64 * 4, stream);
            module.kernel("reverse").with(memory).launch(stream, 1, 1, 1, 64, 0);
            assertThat(read(memory, 64)).startsWith(63, 62, 61).endsWith(2, 1, 0);
        }
    }

    /** Two streams without an event between them: some order shows it; with the event none does. */
    @Test
    void aMissingEventShows() {
        boolean wrong = false;
        for (int seed = 0; seed < 20; seed++) {
            cuda.configure(64 << 20, seed, 1, 13_000);
            wrong |= twoStreams(false)[0] != 2;
            assertThat(twoStreams(true)[0]).as("seed %d", seed).isEqualTo(2);
        }
        assertThat(wrong).isTrue();
    }

    private float[] twoStreams(boolean waits) {
        try (CudaMemory memory = CudaMemory.allocate(64 * 4);
                CudaStream other = new CudaStream();
                CudaEvent filled = new CudaEvent()) {
            fill(memory, 64, 1, stream);
            filled.record(stream);
            if (waits) {
                other.await(filled);
            }
            fill(memory, 64, 2, other);
            other.synchronize();
            return read(memory, 64);
        }
    }

    @Test
    void writingPastTheEndIsFoundAndLasts() {
        CudaMemory memory = CudaMemory.allocate(32 * 4);
        fill(memory, 64, 1, stream);
        assertThatThrownBy(stream::synchronize)
                .isInstanceOfSatisfying(
                        CudaException.class, e -> assertThat(e.isSticky()).isTrue())
                .hasMessageContaining("cuStreamSynchronize")
                .hasMessageContaining("CUDA_ERROR_ILLEGAL_ADDRESS (700)");
        assertThat(cuda.message()).contains("memory that is not its own");
        assertThatThrownBy(() -> CudaMemory.allocate(64)).hasMessageContaining("CUDA_ERROR_ILLEGAL_ADDRESS");
        cuda.recover();
        memory.close();
    }

    @Test
    void useAfterFreeIsFound() {
        CudaMemory memory = CudaMemory.allocate(64 * 4);
        memory.close();
        fill(memory, 64, 1, stream);
        assertThatThrownBy(stream::synchronize).hasMessageContaining("CUDA_ERROR_ILLEGAL_ADDRESS");
        cuda.recover();
        assertThatThrownBy(() -> memory.clear(stream)).hasMessageContaining("CUDA_ERROR_INVALID_VALUE");
    }

    @Test
    void threadsThatWaitForEachOtherEnd() {
        try (CudaMemory memory = CudaMemory.allocate(64 * 4)) {
            module.kernel("stuck").with(memory).launch(stream, 1, 1, 1, 32, 0);
            assertThatThrownBy(stream::synchronize).hasMessageContaining("CUDA_ERROR_LAUNCH_FAILED");
            assertThat(cuda.message()).contains("wait for each other");
            cuda.recover();
        }
    }

    @Test
    void argumentsAreCheckedAgainstTheSource() {
        CudaKernel kernel = module.kernel("fill");
        assertThatThrownBy(() -> kernel.with(3))
                .hasMessageContaining("fill[POINTER, INT, FLOAT]: argument 0 is given as INT");
        assertThatThrownBy(() -> kernel.address(0).launch(stream, 1, 1, 1, 1, 0))
                .hasMessageContaining("1 arguments are given");
        assertThatThrownBy(() -> module.kernel("fil")).hasMessageContaining("[fill, reverse, stuck]");
    }

    @Test
    void graphsReplayWithWhatLiesInMemory() {
        try (CudaMemory memory = CudaMemory.allocate(64 * 4)) {
            stream.beginCapture();
            module.kernel("reverse").with(memory).launch(stream, 1, 1, 1, 64, 0);
            try (CudaGraph graph = stream.endCapture()) {
                fill(memory, 32, 1, stream);
                graph.launch(stream);
                float[] found = read(memory, 64);
                assertThat(found[0]).isNaN();
                assertThat(found[63]).isEqualTo(1);
            }
        }
    }

    /** Records fills of what is given, one behind the other. */
    private void record(CudaMemory memory, float... values) {
        stream.beginCapture();
        for (int i = 0; i < values.length; i++) {
            module.kernel("fill").with(memory).with(8 * (i + 1)).with(values[i]).launch(stream, 1 + i, 1, 1, 64, 0);
        }
    }

    /** Other sizes, parameters and kernels: one executable serves both graphs, and a launch on its way stays what it was. */
    @Test
    void executablesAreTakenOver() {
        try (CudaMemory memory = CudaMemory.allocate(64 * 4)) {
            record(memory, 1);
            try (CudaGraph first = stream.endCapture()) {
                first.launch(stream);
                stream.beginCapture();
                module.kernel("reverse").with(memory).launch(stream, 1, 1, 1, 64, 0);
                try (CudaGraph second = stream.endCapture(first)) {
                    second.launch(stream);
                    float[] found = read(memory, 64);
                    assertThat(found[0]).isNaN();
                    assertThat(found[63]).isEqualTo(1);
                    assertThatThrownBy(() -> first.launch(stream)).hasMessageContaining("taken over");
                }
            }
            assertThat(cuda.calls("cuGraphInstantiateWithFlags")).isEqualTo(1);
            assertThat(cuda.calls("cuGraphExecDestroy")).isEqualTo(1);
        }
    }

    /** Another number of nodes, another type of node, and whatever else the driver refuses: both graphs can be launched. */
    @Test
    void whatDiffersIsInstantiated() {
        try (CudaMemory memory = CudaMemory.allocate(64 * 4)) {
            record(memory, 1);
            try (CudaGraph first = stream.endCapture()) {
                record(memory, 2, 3);
                try (CudaGraph longer = stream.endCapture(first)) {
                    assertThat(cuda.calls("cuGraphInstantiateWithFlags")).isEqualTo(2);
                    longer.launch(stream);
                    assertThat(read(memory, 64)).startsWith(3).contains(3, org.assertj.core.data.Index.atIndex(15));
                    first.launch(stream);
                    assertThat(read(memory, 64)).startsWith(1);
                }
                stream.beginCapture();
                memory.clear(stream);
                try (CudaGraph zeros = stream.endCapture(first)) {
                    assertThat(cuda.calls("cuGraphInstantiateWithFlags")).isEqualTo(3);
                    zeros.launch(stream);
                    assertThat(read(memory, 64)).containsOnly(0);
                }
                cuda.fail("cuGraphExecUpdate_v2", 1, 910);
                record(memory, 4);
                try (CudaGraph refused = stream.endCapture(first)) {
                    refused.launch(stream);
                    assertThat(read(memory, 64)).startsWith(4);
                }
                cuda.fail("cuGraphExecUpdate_v2", 1, 999);
                record(memory, 5);
                assertThatThrownBy(() -> stream.endCapture(first))
                        .hasMessageContaining("cuGraphExecUpdate_v2 failed: CUDA_ERROR_UNKNOWN (999)");
                first.launch(stream);
                assertThat(read(memory, 64)).startsWith(1);
            }
        }
    }

    @Test
    void waitingWhileRecordingIsRefused() {
        stream.beginCapture();
        assertThatThrownBy(stream::synchronize).hasMessageContaining("CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED");
        stream.abandonCapture();
        stream.synchronize();
    }

    @Test
    void anotherThreadNeedsTheContext() throws InterruptedException {
        Throwable[] thrown = new Throwable[1];
        Thread thread = Thread.ofPlatform().start(() -> {
            try {
                context.freeBytes();
            } catch (CudaException e) {
                thrown[0] = e;
            }
        });
        thread.join();
        assertThat(thrown[0]).hasMessageContaining("CUDA_ERROR_INVALID_CONTEXT");
    }

    @Test
    void outOfMemoryIsKnownAsSuch() {
        cuda.configure(1 << 20, 1, 1, 13_000);
        assertThatThrownBy(() -> CudaMemory.allocate(2 << 20))
                .isInstanceOfSatisfying(
                        CudaException.class, e -> assertThat(e.isOutOfMemory()).isTrue());
    }

    @Test
    void poolsCarveSlabs() {
        try (DeviceMemoryPool pool = new DeviceMemoryPool(1 << 20)) {
            CudaMemory first = pool.take(100);
            CudaMemory second = pool.take(100);
            assertThat(second.address() - first.address()).isEqualTo(256);
            pool.take(800 << 10);
            pool.take(900 << 10);
            assertThat(cuda.liveAllocations()).isEqualTo(3);
            assertThat(pool.takenBytes()).isEqualTo(512 + (1700 << 10));
        }
        assertThat(cuda.liveAllocations()).isZero();
    }

    @Test
    void compiledKernelsAreKept(@TempDir Path folder) throws Exception {
        cuda.recover();
        load(folder).close();
        load(folder).close();
        assertThat(cuda.calls("nvrtcCompileProgram")).isEqualTo(1);
        try (var files = Files.list(folder)) {
            Path file = files.findFirst().orElseThrow();
            byte[] bytes = Files.readAllBytes(file);
            bytes[bytes.length / 2] ^= 1;
            Files.write(file, bytes);
        }
        load(folder).close();
        assertThat(cuda.calls("nvrtcCompileProgram"))
                .as("a damaged file is compiled anew")
                .isEqualTo(2);
    }

    @Test
    void compilersSayWhatIsWrong(@TempDir Path folder) {
        KernelSource wrong =
                new KernelSource("wrong.cu", "extern \"C\" __global__ void f(int n) { m = n; }", Map.of(), List.of());
        assertThatThrownBy(() -> KernelCompiler.compile(wrong, "sm_90"))
                .isInstanceOf(CudaException.class)
                .hasMessageContaining("nvrtcCompileProgram failed: NVRTC_ERROR_COMPILATION (6)")
                .hasMessageContaining("wrong.cu");
    }
}

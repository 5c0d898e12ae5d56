package dev.spandrel.engine.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.backend.WeightFormat;
import dev.spandrel.engine.cuda.CudaMemory;
import dev.spandrel.engine.cuda.CudaStream;
import dev.spandrel.engine.cuda.DeviceMemoryPool;
import dev.spandrel.engine.cuda.EmulatedCuda;
import dev.spandrel.engine.cuda.EmulatedDevice;
import dev.spandrel.engine.cuda.PinnedMemory;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Two pinned buffers in turn: neither is written while its copy is still to come. The emulated stream copies when somebody waits
 * and no sooner, so a buffer that is written too early arrives with what was written last.
 */
class WeightUploaderEmulatedTest {
    private static final int STAGING = 1024;

    private final Random random = new Random(17);
    private EmulatedDevice device;
    private EmulatedCuda cuda;
    private CudaStream stream;
    private DeviceMemoryPool pool;

    @BeforeEach
    void open() {
        device = new EmulatedDevice(0);
        cuda = device.cuda();
        stream = device.stream();
        pool = device.pool();
    }

    @AfterEach
    void close() {
        if (device != null) {
            device.close();
        }
    }

    private Tensor tensor(int... shape) {
        int count = 1;
        Long[] sizes = new Long[shape.length];
        for (int i = 0; i < shape.length; i++) {
            count *= shape[i];
            sizes[i] = (long) shape[i];
        }
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return new Tensor(DType.F32, List.of(sizes), MemorySegment.ofArray(values));
    }

    private byte[] read(CudaMemory memory) {
        try (PinnedMemory host = new PinnedMemory(memory.bytes())) {
            memory.copyTo(host, 0, 0, memory.bytes(), stream);
            stream.synchronize();
            return host.segment().toArray(ValueLayout.JAVA_BYTE);
        }
    }

    /** The same weights through a buffer that holds them at once are what has to arrive. */
    private void arrives(WeightFormat format, int staging, Tensor... parts) {
        try (WeightUploader whole = new WeightUploader(pool, stream, 1 << 20);
                WeightUploader pieces = new WeightUploader(pool, stream, staging)) {
            List<CudaWeight.Part> expected = whole.upload(_ -> format, parts).parts();
            long waits = cuda.calls("cuEventSynchronize");
            List<CudaWeight.Part> found = pieces.upload(_ -> format, parts).parts();
            assertThat(cuda.calls("cuEventSynchronize") - waits).as("pieces").isGreaterThan(5);
            for (int i = 0; i < expected.size(); i++) {
                assertThat(read(found.get(i).data()))
                        .isEqualTo(read(expected.get(i).data()));
                if (expected.get(i).scales() != null) {
                    assertThat(read(found.get(i).scales()))
                            .isEqualTo(read(expected.get(i).scales()));
                }
            }
        }
    }

    @Test
    void everyFormatArrivesWhole() {
        for (WeightFormat format :
                List.of(WeightFormat.F32, WeightFormat.F16, WeightFormat.BF16, WeightFormat.INT8, WeightFormat.Q4_0)) {
            arrives(format, STAGING, tensor(61, 64), tensor(33, 64), tensor(61, 64));
        }
        arrives(WeightFormat.F32, STAGING, tensor(3001));
    }

    /** A buffer that is too short for a row makes way for a longer one, while the other may be on its way. */
    @Test
    void longRowsGetLongerBuffers() {
        arrives(WeightFormat.F32, 64, tensor(9, 700));
        try (WeightUploader uploader = new WeightUploader(pool, stream, 64)) {
            Tensor[] all = {tensor(7, 10), tensor(7, 300), tensor(7, 20), tensor(7, 900)};
            for (Tensor one : all) {
                CudaWeight.Part part =
                        uploader.upload(_ -> WeightFormat.F32, one).parts().getFirst();
                byte[] found = read(part.data());
                for (int row = 0; row < 7; row++) {
                    int columns = one.size(1);
                    float[] values = MemorySegment.ofArray(found)
                            .asSlice(4L * part.pitch() * row, 4L * columns)
                            .toArray(ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(java.nio.ByteOrder.nativeOrder()));
                    assertThat(values)
                            .isEqualTo(one.data()
                                    .asSlice(4L * columns * row, 4L * columns)
                                    .toArray(ValueLayout.JAVA_FLOAT));
                }
            }
        }
    }

    /** What the others rely on: a buffer that is written before its copy has come arrives as it was last. */
    @Test
    void aBufferWrittenTooEarlyShows() {
        try (PinnedMemory host = new PinnedMemory(64)) {
            CudaMemory memory = pool.take(64);
            host.segment().fill((byte) 1);
            memory.copyFrom(host, 0, 0, 64, stream);
            host.segment().fill((byte) 2);
            assertThat(read(memory)).containsOnly(2);
        }
    }
}

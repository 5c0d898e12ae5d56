package dev.spandrel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.backend.Draws;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.backend.cuda.CudaBackend;
import dev.spandrel.engine.backend.cuda.CudaTesting;
import dev.spandrel.engine.cuda.CudaException;
import dev.spandrel.engine.cuda.EmulatedCuda;
import dev.spandrel.engine.tensor.Buffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Each function that a small network's life calls fails, at its first call and at its last: told by name, and nothing is left. */
class CudaFaultsEmulatedTest {
    /** Calls that only release: that they fail is told in the log, since whoever closes has no use for it. */
    private static final Set<String> RELEASES = Set.of(
            "cuCtxSynchronize",
            "cuMemFree_v2",
            "cuMemFreeHost",
            "cuStreamDestroy_v2",
            "cuEventDestroy_v2",
            "cuModuleUnload",
            "cuGraphDestroy",
            "cuGraphExecDestroy",
            "cuDevicePrimaryCtxRelease_v2",
            "cublasLtDestroy",
            "cublasLtMatmulDescDestroy",
            "cublasLtMatrixLayoutDestroy",
            "cublasLtMatmulPreferenceDestroy");

    /** Asked before there is a backend, and answered once. */
    private static final Set<String> PROBES = Set.of("cuInit", "cuDriverGetVersion", "cuDeviceGetCount");

    private final EmulatedCuda cuda = EmulatedCuda.open();

    @Test
    void everyCallMayFail() {
        // Once for the kernels to be compiled and kept, once to count.
        assertThat(life()).isEmpty();
        cuda.recover();
        assertThat(life()).isEmpty();
        Map<String, Long> calls = new TreeMap<>();
        cuda.called().forEach(call -> calls.put(call, cuda.calls(call)));
        assertThat(calls)
                .hasSizeGreaterThan(40)
                .containsKeys(
                        "cuLaunchKernelEx",
                        "cuGraphLaunch",
                        "cuGraphExecUpdate_v2",
                        "cuEventRecordWithFlags",
                        "cuStreamEndCapture",
                        "cublasLtMatmul",
                        "cuMemAlloc_v2");
        calls.forEach((call, count) -> {
            if (!PROBES.contains(call)) {
                fails(call, 1);
                fails(call, count.intValue());
            }
        });
    }

    private void fails(String call, int nth) {
        cuda.recover();
        cuda.fail(call, nth, call.startsWith("cublas") ? 13 : 1);
        String said = life();
        if (!RELEASES.contains(call)) {
            assertThat(said).as("%s, call %d", call, nth).contains(call);
        }
        cuda.assertNothingIsLeft(" after call %d of %s".formatted(nth, call));
    }

    /** Opening, loading, a prompt on tensor cores, recorded passes, drawn tokens, closing; what it says when it fails. */
    private static String life() {
        try (CudaBackend backend =
                new CudaBackend(CudaTesting.fastWithOneRecord(new WeightPolicy("bfloat16", "none")))) {
            ModelConfig config = ModelConfig.read(Path.of("src/test/resources/families/llama31-bf16"));
            Model model = ModelLoader.load(config, backend, new StepLimits(32, 4, 64));
            KvCache cache = KvCache.allocate(backend, model, 4, 16, KvDType.BF16);
            ForwardInput input = new ForwardInput(32, 2, 4, 16);
            Draws draws = new Draws(2, model.vocabSize());
            int[] tokens = new int[40];
            for (int position = 11; position < 16; position++) {
                input.clear();
                input.add(tokens, position == 11 ? 0 : position, position + 1, new int[] {2, 0, 1}, 1);
                // A prompt, a pass that is recorded and one that is replayed.
                backend.watch(position == 11 || position >= 14);
                backend.beginStep(input.metadata(), 1);
                Buffer logits;
                try {
                    logits = model.forward(input, cache);
                    backend.endStep();
                } catch (CudaException e) {
                    backend.abandonStep();
                    throw e;
                }
                draws.clear();
                draws.changes().startRow();
                draws.changes().add(3, 1);
                draws.add(0, 0, 0, 1, 0, 0, true);
                backend.draw(logits, model.vocabSize(), draws);
                backend.readDrawn(new int[1]);
                backend.deviceTimes();
                backend.readLogits(logits, 0, model.vocabSize(), new float[model.vocabSize()]);
            }
            return "";
        } catch (CudaException e) {
            return e.getMessage();
        }
    }
}

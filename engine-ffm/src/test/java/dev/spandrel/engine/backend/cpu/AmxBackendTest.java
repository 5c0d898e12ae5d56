package dev.spandrel.engine.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendContract;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.WeightFormat;
import dev.spandrel.engine.backend.WeightPolicy;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The contract with every product of BF16 and INT8 by AMX, down to one row; bench/amx/run.sh runs it on an emulated processor. */
class AmxBackendTest extends BackendContract {
    private CpuBackend last;

    @BeforeAll
    static void needsTiles() {
        AmxKernelsTest.needsTiles();
    }

    /** What tiles are for. */
    static List<Arguments> narrow() {
        List<WeightPolicy> policies = List.of(new WeightPolicy("bfloat16", "none"), new WeightPolicy("auto", "int8"));
        return matrices().stream()
                .filter(each -> policies.contains((WeightPolicy) each.get()[3]))
                .toList();
    }

    /** That tiles could be used is not that they were. */
    @Override
    @ParameterizedTest
    @MethodSource("narrow")
    protected void matmulMatches(int most, int inner, int columns, WeightPolicy policy) {
        super.matmulMatches(most, inner, columns, policy);
        boolean narrow =
                policy.dtype().equals("bfloat16") || policy.quantization().equals("int8");
        assertThat(last.amxProducts() > 0 || !narrow).as("products by tiles").isTrue();
    }

    @Override
    protected Backend create(WeightPolicy policy) {
        last = new CpuBackend(BackendOptions.threads(2).with(policy).withAmxFrom(1));
        return last;
    }

    /** What follows a product is the same code with tiles and without, and an emulated processor is slow. */
    @Override
    protected Activation[] activations(long multiplications) {
        return new Activation[] {multiplications > 100_000 ? Activation.NONE : Activation.RELU};
    }

    @Override
    protected double inputRounding(WeightFormat format) {
        return CpuBackendTest.rounding(format);
    }
}

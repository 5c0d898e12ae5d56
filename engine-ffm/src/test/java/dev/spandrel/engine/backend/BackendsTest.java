package dev.spandrel.engine.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.backend.cpu.CpuBackend;
import dev.spandrel.engine.backend.cuda.CudaOptions;
import dev.spandrel.engine.cuda.CudaSettings;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Which backend is picked where there is no GPU, and what is said of the others. */
class BackendsTest {
    private static Backends.Choice open(String name) {
        CudaSettings settings = new CudaSettings("", Path.of("target/no-kernels"), Map.of());
        CudaOptions cuda = CudaOptions.of(settings, WeightPolicy.AS_STORED, 0.9);
        return Backends.open("model", name, BackendOptions.threads(1), cuda, CpuBackend::new);
    }

    private static Backends.Choice auto() {
        Backends.Choice choice = open("auto");
        if (choice.backend().description().startsWith("cuda")) {
            choice.backend().close();
            Assumptions.abort("this machine has a GPU; what is said without one cannot be seen");
        }
        return choice;
    }

    @Test
    void autoFallsBackAndSaysWhyAndHowToMendIt() {
        Backends.Choice choice = auto();
        try (Backend backend = choice.backend()) {
            assertThat(choice.description())
                    .startsWith(backend.description() + "; cuda refused: ")
                    .contains(" (")
                    .endsWith(", or --backend cpu to silence this)");
        }
    }

    @Test
    void whoNamesOneGetsItWithoutMoreWords() {
        Backends.Choice choice = open("cpu");
        try (Backend backend = choice.backend()) {
            assertThat(choice.description()).isEqualTo(backend.description());
        }
    }

    @Test
    void cudaIsNotReplaced() {
        auto().backend().close();
        assertThatThrownBy(() -> open("cuda"))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageContaining("--backend cuda: ")
                .hasMessageContaining("--backend cpu");
    }

    /** Whether or not a device answers, and before one is looked for. */
    @Test
    void roundedActivationsAreTheProcessorsAlone() {
        CudaSettings settings = new CudaSettings("", Path.of("target/no-kernels"), Map.of());
        WeightPolicy rounding = new WeightPolicy("auto", "int8", "int8");
        BackendOptions options = BackendOptions.threads(1).with(rounding);
        assertThatThrownBy(() -> Backends.open(
                        "model", "cuda", options, CudaOptions.of(settings, rounding, 0.9), CpuBackend::new))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageContaining(
                        "--activation-dtype int8: expected --backend cpu or reference, found --backend cuda");
        try (Backend cpu =
                Backends.open("model", "cpu", options, null, CpuBackend::new).backend()) {
            assertThat(cpu.description()).contains("activations rounded to int8");
        }
    }

    @Test
    void namesAreChecked() {
        assertThatThrownBy(() -> open("gpu"))
                .hasMessageContaining("expected one of [auto, cuda, cpu, reference], found gpu");
    }
}

package dev.spandrel.engine.backend.cuda;

import static org.junit.jupiter.api.Assumptions.abort;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendContract;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.cuda.CudaLibrary;
import dev.spandrel.engine.cuda.CudaProbe;
import dev.spandrel.engine.cuda.CudaSettings;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;

/**
 * The whole contract on a real device. Without one it is skipped with the probe's reason; with {@code -Pgpu} that is a failure.
 */
class CudaBackendIT extends BackendContract {
    @BeforeAll
    static void probe() {
        if (CudaLibrary.probe(settings()) instanceof CudaProbe.Absent absent) {
            String reason = "no GPU: " + absent.reason() + " (" + absent.cure() + ")";
            if (Boolean.getBoolean("spandrel.gpu")) {
                throw new IllegalStateException(reason);
            }
            abort(reason);
        }
    }

    static CudaSettings settings() {
        String path = System.getProperty("spandrel.cuda.library.path", "");
        return CudaSettings.of(path, System.getenv(), Path.of(System.getProperty("user.home")));
    }

    @Override
    protected Backend create(WeightPolicy policy) {
        return new CudaBackend(CudaTesting.options(settings(), policy, true, 16 << 20));
    }
}

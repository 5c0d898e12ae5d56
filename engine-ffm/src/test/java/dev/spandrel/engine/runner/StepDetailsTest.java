package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.StepDetail;
import dev.spandrel.engine.StepListener;
import dev.spandrel.engine.StepRecord;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.ReferenceBackend;
import dev.spandrel.engine.backend.cpu.CpuBackend;
import dev.spandrel.engine.scheduler.BlockManager;
import dev.spandrel.engine.scheduler.ScheduledBatch;
import dev.spandrel.engine.tensor.Buffer;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.SynchronousQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is told of a watched step: calls by phase, and processor time of everybody who worked. */
class StepDetailsTest {
    private static final long WORK_NANOS = 30_000_000;

    private final SynchronousQueue<Runnable> jobs = new SynchronousQueue<>();
    private final List<Boolean> watched = new ArrayList<>();
    private final StepDetails details = new StepDetails(System::nanoTime);
    private Thread worker;

    @BeforeEach
    void start() {
        worker = Thread.ofPlatform().daemon().name("other").start(() -> {
            try {
                while (true) {
                    jobs.take().run();
                }
            } catch (InterruptedException e) {
                // The end of the test.
            }
        });
    }

    @AfterEach
    void stop() throws InterruptedException {
        worker.interrupt();
        worker.join();
    }

    /** A backend whose {@code scale} is done by another thread, which takes a while. */
    private Backend backend() {
        Backend real = new ReferenceBackend();
        return (Backend) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {Backend.class}, (_, method, arguments) -> {
                    switch (method.getName()) {
                        case "workers" -> {
                            return List.of(worker);
                        }
                        case "watch" -> {
                            watched.add((Boolean) arguments[0]);
                            return null;
                        }
                        case "deviceTimes" -> {
                            return List.of(new StepDetail.DeviceTime("attention", 5));
                        }
                        case "matmulAdd" -> {
                            return null;
                        }
                        case "scale" -> work();
                        default -> {
                            // As it is.
                        }
                    }
                    return method.invoke(real, arguments);
                });
    }

    private void work() throws InterruptedException {
        SynchronousQueue<Boolean> done = new SynchronousQueue<>();
        jobs.put(() -> {
            long end = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() + WORK_NANOS;
            while (ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() < end) {
                Thread.onSpinWait();
            }
            try {
                done.put(true);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        done.take();
    }

    private StepDetail step(Backend watching) {
        Buffer values = watching.allocate(4);
        details.begin();
        details.scheduled();
        watching.scale(values, 4, 2);
        watching.add(values, 4, values);
        details.forwarded();
        return details.end(new ScheduledBatch(), new BlockManager(4, 16, false));
    }

    @Test
    void processorTimeIsThatOfWorkersToo() {
        StepDetail detail = step(details.watch(backend()));
        assertThat(detail.calls()).extracting(StepDetail.Call::verb).containsExactly("scale", "add");
        assertThat(detail.calls().getFirst().cpuNanos()).isGreaterThanOrEqualTo(WORK_NANOS);
        assertThat(detail.forwardCpuNanos())
                .isGreaterThanOrEqualTo(detail.calls().getFirst().cpuNanos());
    }

    @Test
    void theBackendHearsThatItIsWatchedAndTellsOfItsDevice() {
        StepDetail detail = step(details.watch(backend()));
        assertThat(watched).containsExactly(true, false);
        assertThat(detail.deviceTimes()).containsExactly(new StepDetail.DeviceTime("attention", 5));
    }

    @Test
    void aStepThatThrowsIsWatchedNoLonger() {
        Backend watching = details.watch(backend());
        details.begin();
        details.scheduled();
        details.abandon();
        details.abandon();
        watching.scale(watching.allocate(4), 4, 2);
        assertThat(watched).containsExactly(true, false);
        assertThat(step(watching).calls()).hasSize(2);
    }

    @Test
    void verbsThatDoSeveralThingsBelongToAPhase() {
        Backend watching = details.watch(backend());
        details.begin();
        details.scheduled();
        watching.matmulAdd(null, 0, null, null, null, null);
        details.forwarded();
        StepDetail detail = details.end(new ScheduledBatch(), new BlockManager(4, 16, false));
        assertThat(detail.calls()).singleElement().satisfies(call -> {
            assertThat(call.verb()).isEqualTo("matmulAdd");
            assertThat(call.phase()).isEqualTo("matmul");
        });
    }

    /** The CPU backend's workers are found, and its passes fall into phases. */
    @Test
    void theEngineTellsOfItsSteps() throws InterruptedException {
        List<StepRecord> steps = new CopyOnWriteArrayList<>();
        StepListener all = new StepListener() {
            @Override
            public void onStep(StepRecord step) {
                steps.add(step);
            }

            @Override
            public boolean detailed() {
                return true;
            }

            @Override
            public boolean wantsDetail(long step) {
                return true;
            }
        };
        EngineConfig config = EngineConfig.of("spandrel-tiny")
                .models(Path.of("../models"))
                .backend("cpu")
                .threads(Math.min(2, Runtime.getRuntime().availableProcessors()))
                .kvCacheBytes(64 << 20)
                .stepListener(all)
                .build();
        try (Engine engine = Engine.open(config);
                Generation generation = engine.submit(new GenerationRequest(
                        "test",
                        new Prompt.Text("Once upon a time"),
                        SamplingParams.DEFAULT.withMaxTokens(3),
                        System.nanoTime()))) {
            while (!(generation.next() instanceof GenerationEvent.Finished)) {
                // Until its end.
            }
        }
        StepDetail detail = steps.getFirst().detail().orElseThrow();
        assertThat(detail.calls())
                .extracting(StepDetail.Call::phase)
                .contains("attention", "matmul", "embed")
                .doesNotContain("attend", "matmulAdd", "normMatmul");
        assertThat(detail.deviceTimes()).isEmpty();
    }

    @Test
    void theCpuBackendNamesItsWorkers() {
        try (Backend cpu = new CpuBackend(BackendOptions.threads(3))) {
            assertThat(cpu.workers()).hasSize(2).allMatch(Thread::isAlive);
        }
    }
}

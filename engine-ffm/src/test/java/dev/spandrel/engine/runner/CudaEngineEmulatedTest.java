package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.OutputConstraint;
import dev.spandrel.engine.Penalties;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.StartPhase;
import dev.spandrel.engine.StepRecord;
import dev.spandrel.engine.TokenRules;
import dev.spandrel.engine.backend.cuda.GpuMeasures;
import dev.spandrel.engine.cuda.EmulatedCuda;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The whole engine with the bundled model on the emulated device: generation, lack of memory, a lost device. */
@Timeout(120)
class CudaEngineEmulatedTest {
    private static final SamplingParams GREEDY = SamplingParams.DEFAULT.withTemperature(0);
    private static final List<String> PROMPTS = List.of("Once upon a time", "What is a trace?", "The server", "A span");
    private static final long MIB = 1 << 20;
    private EmulatedCuda cuda;

    @BeforeEach
    void emulate() {
        cuda = EmulatedCuda.open();
    }

    @AfterEach
    void nothingIsLeft() {
        if (cuda != null) {
            cuda.assertNothingIsLeft();
        }
    }

    private static EngineConfig.Builder config(String backend) {
        return EngineConfig.of("spandrel-tiny")
                .models(Path.of("../models"))
                .threads(Math.min(2, Runtime.getRuntime().availableProcessors()))
                .maxNumSeqs(4)
                .maxModelLen(128)
                .maxNumBatchedTokens(64)
                .backend(backend)
                .cudaLibraryPath(EmulatedCuda.settings().libraryPath());
    }

    private static Generation submit(Engine engine, String prompt, SamplingParams sampling) {
        return engine.submit(new GenerationRequest("test", new Prompt.Text(prompt), sampling, System.nanoTime()));
    }

    private static GenerationEvent.Finished finish(Generation generation, StringBuilder text)
            throws InterruptedException {
        try (generation) {
            while (true) {
                switch (generation.next()) {
                    case GenerationEvent.TextDelta delta -> text.append(delta.text());
                    case GenerationEvent.Finished end -> {
                        text.append(end.text());
                        return end;
                    }
                }
            }
        }
    }

    private static List<String> answers(String backend, List<SamplingParams> each, int tokens)
            throws InterruptedException {
        List<String> texts = new ArrayList<>();
        try (Engine engine = Engine.open(config(backend).dtype("float32").build())) {
            assertThat(engine.model().backend()).startsWith(backend);
            List<Generation> running = new ArrayList<>();
            for (int i = 0; i < PROMPTS.size(); i++) {
                running.add(submit(engine, PROMPTS.get(i), each.get(i).withMaxTokens(tokens)));
            }
            for (Generation generation : running) {
                StringBuilder text = new StringBuilder();
                finish(generation, text);
                texts.add(text.toString());
            }
        }
        return texts;
    }

    @Test
    void generatesTokenForTokenWhatTheCpuDoes() throws InterruptedException {
        List<SamplingParams> greedy = Collections.nCopies(PROMPTS.size(), GREEDY);
        assertThat(answers("cuda", greedy, 16)).isEqualTo(answers("cpu", greedy, 16));
        assertThat(cuda.calls("cuGraphLaunch")).isPositive();
    }

    /** A step is scheduled and on its way before the tokens of the one before it are read: it begins when those are there. */
    @Test
    void stepsOverlap() throws InterruptedException {
        Queue<StepRecord> steps = new ConcurrentLinkedQueue<>();
        try (Engine engine = Engine.open(config("cuda").stepListener(steps::add).build())) {
            List<Generation> running = new ArrayList<>();
            for (int i = 0; i < PROMPTS.size(); i++) {
                running.add(submit(engine, PROMPTS.get(i), GREEDY.withMaxTokens(8 + i)));
            }
            for (Generation generation : running) {
                finish(generation, new StringBuilder());
            }
        }
        long last = Long.MIN_VALUE;
        int overlapping = 0;
        for (StepRecord step : steps) {
            assertThat(step.startNanos()).isGreaterThanOrEqualTo(last);
            overlapping += step.forwardNanos() == last ? 1 : 0;
            last = step.endNanos();
        }
        assertThat(steps.stream().mapToInt(StepRecord::generatedTokens).sum()).isEqualTo(8 + 9 + 10 + 11);
        assertThat(overlapping).isGreaterThanOrEqualTo(steps.size() - PROMPTS.size() - 1);
    }

    /** What the way through Panama costs a step is these times some nanoseconds: docs/benchmarks.md, and bench/gpu/run.sh. */
    @Test
    void aReplayedStepMakesFewDowncalls() throws InterruptedException {
        // The first one loads what the others find.
        int[] tokens = {20, 20, 60};
        long[] calls = new long[3];
        try (Engine engine = Engine.open(config("cuda").prefixCaching(false).build())) {
            for (int i = 0; i < 3; i++) {
                long before = downcalls();
                SamplingParams longer = GREEDY.withMaxTokens(tokens[i]).withIgnoreEos(true);
                finish(submit(engine, "Once upon a time", longer), new StringBuilder());
                // The turn that ends a generation may still be at its end.
                while (engine.stats().running() > 0) {
                    Thread.onSpinWait();
                }
                calls[i] = downcalls() - before;
            }
        }
        assertThat(calls[2] - calls[1]).isEqualTo(40L * GpuMeasures.STEP_DOWNCALLS);
    }

    private long downcalls() {
        return cuda.called().stream().mapToLong(cuda::calls).sum();
    }

    /** Penalties, rules and forms of the output are the device's affair too: of logits nothing is read but what is drawn. */
    @Test
    void changesScoresOnTheDevice() throws InterruptedException {
        List<SamplingParams> each = List.of(
                GREEDY.toBuilder().penalties(new Penalties(0.5, 0.2, 1.3)).build(),
                SamplingParams.DEFAULT.withSeed(5).toBuilder()
                        .minP(0.05)
                        .tokenRules(new TokenRules(Map.of(40, 3.0, 41, -100.0), List.of(), List.of("the")))
                        .build(),
                GREEDY.toBuilder()
                        .constraint(Optional.of(new OutputConstraint.Regex("[a-z]{3,9} [0-9]+")))
                        .build(),
                GREEDY);
        List<String> expected = answers("cpu", each, 9);
        cuda.recover();
        assertThat(answers("cuda", each, 9)).isEqualTo(expected);
        assertThat(cuda.launches("change")).isBetween(8L, cuda.launches("sample"));
        assertThat(cuda.calls("cuMemcpyDtoHAsync_v2")).isEqualTo(cuda.launches("sample"));
    }

    /**
     * 1, 2 and 4 sequences are captured at the start, so a first batch of four is none of an unknown kind; so are longer contexts, and
     * a largest batch that is no power of two.
     */
    @Test
    void decodeStepsAreCapturedAtTheStart() {
        // As much time as it takes: three seconds are not enough for all on a machine that is busy.
        LongSupplier clock = new AtomicLong()::incrementAndGet;
        try (Engine engine = Engine.open(config("cuda").nanoClock(clock).build())) {
            assertThat(engine.startPhases())
                    .extracting(StartPhase::name)
                    .containsSubsequence("load", "warm_up", "capture", "start_loop");
            assertThat(cuda.calls("cuStreamEndCapture")).isEqualTo(3);
        }
        long before = cuda.calls("cuStreamEndCapture");
        try (Engine engine = Engine.open(
                config("cuda").nanoClock(clock).maxNumSeqs(3).maxModelLen(500).build())) {
            assertThat(engine.healthy()).isTrue();
            assertThat(cuda.calls("cuStreamEndCapture") - before)
                    .as("1, 2 and 3 sequences at 128, 256 and 500 tokens")
                    .isEqualTo(9);
        }
        try (Engine engine = Engine.open(config("cpu").build())) {
            assertThat(engine.startPhases()).extracting(StartPhase::name).doesNotContain("capture");
        }
    }

    @Test
    void lackOfMemoryIsSaidBeforeAnythingRuns() {
        cuda.configure(90 * MIB, 1, 1, 13_000);
        assertThatThrownBy(() -> Engine.open(config("cuda").build()))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageMatching("(?s).*(bytes|MiB|OUT_OF_MEMORY).*");
    }

    /** A lost device fails the running request, and the engine says that it is over; nothing hangs. */
    @Test
    void aLostDeviceEndsTheEngine() throws InterruptedException {
        try (Engine engine = Engine.open(config("cuda").build())) {
            assertThat(finish(submit(engine, "Once", GREEDY.withMaxTokens(4)), new StringBuilder())
                            .reason())
                    .isEqualTo(FinishReason.LENGTH);
            cuda.fail("cuEventSynchronize", 3, 719);
            GenerationEvent.Finished end =
                    finish(submit(engine, "Once", GREEDY.withMaxTokens(40)), new StringBuilder());
            assertThat(end.reason()).isEqualTo(FinishReason.ERROR);
            assertThat(engine.healthy()).isFalse();
            assertThatThrownBy(() -> submit(engine, "Once", GREEDY)).isInstanceOf(EngineException.Unavailable.class);
        }
        cuda.recover();
    }
}

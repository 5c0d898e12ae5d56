package dev.spandrel.engine.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;

class WorkersTest {
    @Test
    void everyTaskRunsOnce() {
        try (Workers workers = new Workers(4)) {
            for (int round = 0; round < 2_000; round++) {
                AtomicIntegerArray runs = new AtomicIntegerArray(1 + round % 37);
                workers.run(runs.length(), (task, worker) -> runs.incrementAndGet(task));
                for (int i = 0; i < runs.length(); i++) {
                    assertThat(runs.get(i)).isOne();
                }
            }
        }
    }

    @Test
    void aTaskThatThrowsEndsTheJobAndOnlyTheJob() {
        try (Workers workers = new Workers(3)) {
            assertThatThrownBy(() -> workers.run(50, (task, worker) -> {
                        if (task == 17) {
                            throw new IllegalStateException("task 17");
                        }
                    }))
                    .hasMessage("task 17");
            AtomicIntegerArray runs = new AtomicIntegerArray(50);
            workers.run(50, (task, worker) -> runs.incrementAndGet(task));
            assertThat(runs.toString()).doesNotContain("0");
        }
    }
}

package dev.spandrel.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LateSpansTest {
    private static final int MOST = 1024;

    /** Its pause never ends by itself. */
    private final ScheduledThreadPoolExecutor clock = new ScheduledThreadPoolExecutor(1);

    private final LateSpans late = new LateSpans(Duration.ofDays(1), clock);
    private final List<Integer> made = new ArrayList<>();

    @AfterEach
    void close() {
        late.close();
    }

    @Test
    void manyWaitForOnePause() {
        add(0, 100);
        assertThat(made).isEmpty();
        assertThat(clock.getQueue()).hasSize(1);
    }

    @Test
    void afterThePauseAllAreMadeInTheirOrder() throws InterruptedException {
        CountDownLatch last = new CountDownLatch(1);
        try (LateSpans soon = new LateSpans(Duration.ofMillis(1))) {
            IntStream.range(0, 50).forEach(number -> soon.execute(() -> made.add(number)));
            soon.execute(last::countDown);
            assertThat(last.await(1, TimeUnit.MINUTES)).isTrue();
            assertThat(made).isEqualTo(IntStream.range(0, 50).boxed().toList());
        }
    }

    @Test
    void whatFindsNoRoomIsMadeThereAndThen() {
        add(0, MOST + 2);
        assertThat(made).containsExactly(MOST, MOST + 1);
        late.close();
        assertThat(made).hasSize(MOST + 2);
    }

    @Test
    void closingMakesThoseThatWaitAndLaterOnesDoNot() {
        add(0, 3);
        late.close();
        assertThat(made).containsExactly(0, 1, 2);
        add(3, 1);
        assertThat(made).containsExactly(0, 1, 2, 3);
        late.close();
    }

    @Test
    void oneThatFailsTakesNoOtherAlong() {
        add(0, 1);
        late.execute(() -> {
            throw new IllegalStateException("no span");
        });
        add(1, 1);
        late.close();
        assertThat(made).containsExactly(0, 1);
    }

    private void add(int from, int count) {
        IntStream.range(from, from + count).forEach(number -> late.execute(() -> made.add(number)));
    }
}

package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.RequestPhases;
import dev.spandrel.engine.RequestPhases.PrefillChunk;
import dev.spandrel.engine.RequestPhases.Wait;
import dev.spandrel.engine.RequestTimings;
import org.junit.jupiter.api.Test;

/** What a request's log says of waits, chunks and its share of the steps. */
class RequestLogTest {
    private final RequestLog log = new RequestLog(10, 20);

    private void step(long start, int tokens, boolean sampled) {
        log.step(start, start + 1, start + 4, start + 6);
        log.computed(start, tokens, sampled);
    }

    @Test
    void aRequestThatNeverRanStillWaits() {
        assertThat(log.phases().waits()).containsExactly(new Wait(20, RequestTimings.NOT_REACHED, 0));
        assertThat(log.phases().tokenizeStartNanos()).isEqualTo(10);
    }

    @Test
    void chunksThenDecodingThenPreemptionAndAgain() {
        log.admitted(30, 16);
        step(30, 8, false);
        step(40, 5, true);
        step(50, 1, true);
        log.preempted(60);
        log.admitted(70, 0);
        step(70, 31, true);
        RequestPhases phases = log.phases();
        assertThat(phases.waits()).containsExactly(new Wait(20, 30, 16), new Wait(60, 70, 0));
        assertThat(phases.prefillChunks())
                .containsExactly(
                        new PrefillChunk(30, 31, 36, 8, false),
                        new PrefillChunk(40, 41, 46, 5, true),
                        new PrefillChunk(70, 71, 76, 31, true));
        assertThat(phases.schedulerNanos()).isEqualTo(4);
        assertThat(phases.forwardNanos()).isEqualTo(4 * 3);
        assertThat(phases.executeNanos()).isEqualTo(4 * 5);
        assertThat(phases.truncated()).isFalse();
    }

    @Test
    void whatIsKeptHasALimit() {
        log.admitted(30, 0);
        for (int i = 0; i < 2 * RequestLog.LIMIT; i++) {
            step(40 + i, 1, false);
        }
        assertThat(log.phases().prefillChunks()).hasSize(RequestLog.LIMIT - 1);
        assertThat(log.phases().truncated()).isTrue();
    }
}

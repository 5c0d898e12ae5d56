package dev.spandrel.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Which exemplar a bucket keeps, and how often the trace is asked for. */
class HistogramTest {
    private final Histogram histogram = new Histogram(1, 2);
    private int asked;

    private void observe(double value, long millis) {
        histogram.observe(value, millis * 1_000_000, () -> {
            asked++;
            return Optional.of(new Exemplar.Source("trace", "span" + millis, 0));
        });
    }

    @Test
    void anExemplarStaysForATenthOfASecond() {
        observe(0.5, 5);
        observe(0.6, 104);
        assertThat(histogram.exemplar(0).spanId()).isEqualTo("span5");
        assertThat(asked).isEqualTo(1);
        observe(0.7, 105);
        assertThat(histogram.exemplar(0).spanId()).isEqualTo("span105");
        assertThat(histogram.cumulative()).containsExactly(3, 3, 3);
    }

    @Test
    void everyBucketHasItsOwn() {
        observe(0.5, -7);
        observe(1.5, -6);
        assertThat(histogram.exemplar(0).spanId()).isEqualTo("span-7");
        assertThat(histogram.exemplar(1).spanId()).isEqualTo("span-6");
        assertThat(histogram.exemplar(2)).isNull();
    }

    @Test
    void withoutATraceThereIsNone() {
        histogram.observe(0.5, 0, Optional::empty);
        assertThat(histogram.exemplar(0)).isNull();
        assertThat(histogram.cumulative()).containsExactly(1, 1, 1);
    }
}

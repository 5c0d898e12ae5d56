package dev.spandrel.sidecar.exporter;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RetryPolicyTest {
    private final RetryPolicy policy = new RetryPolicy(Duration.ofMillis(500), Duration.ofSeconds(30), new Random(7));

    @Test
    void waitsDoubleUpToTheLongestWithHalfLeftToChance() {
        for (int failures = 1; failures < 200; failures++) {
            long full = Math.min(30_000, 500L << Math.min(failures - 1, 10));
            assertThat(policy.delay(failures, Duration.ZERO).toMillis()).isBetween(full / 2, full);
        }
    }

    @Test
    void whatTheBackendAskedForIsTheLeast() {
        for (int failures = 1; failures < 50; failures++) {
            assertThat(policy.delay(failures, Duration.ofSeconds(60)))
                    .isBetween(Duration.ofSeconds(60), Duration.ofSeconds(68));
        }
    }

    @Test
    void aWaitOfYearsIsABrokenClock() {
        Duration longest = Duration.ofSeconds(315_576_000_000L, 999_999_999);
        for (Duration asked : List.of(Duration.ofDays(1), Duration.ofDays(36_500), longest)) {
            assertThat(policy.delay(1, asked)).isBetween(Duration.ofHours(1), Duration.ofMinutes(61));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "120,                                     120",
        "'Wed, 21 Oct 2015 07:28:30 GMT',         30",
        "'Wed, 21 Oct 2015 07:27:00 GMT',         0",
        "'Thu, 22 Oct 2015 07:28:00 GMT',         86400",
        "soon,                                    0",
        "-3,                                      0",
    })
    void bothFormsOfRetryAfter(String value, long seconds) {
        assertThat(RetryAfter.parse(value, Instant.parse("2015-10-21T07:28:00Z")))
                .isEqualTo(Duration.ofSeconds(seconds));
    }
}

package dev.spandrel.sidecar.exporter;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;

/** The {@code Retry-After} header in both its forms, seconds and HTTP-date (RFC 9110, 10.2.3). */
final class RetryAfter {
    /** A date years ahead is a broken clock, not an order; after an hour it is worth asking again. */
    private static final Duration LONGEST = Duration.ofHours(1);

    private RetryAfter() {}

    /** The wait from {@code now}; zero where the value is neither form or lies in the past. */
    static Duration parse(String value, Instant now) {
        Duration wait;
        try {
            wait = value.strip().chars().allMatch(Character::isDigit)
                    ? Duration.ofSeconds(Long.parseLong(value.strip()))
                    : Duration.between(
                            now,
                            ZonedDateTime.parse(value.strip(), DateTimeFormatter.RFC_1123_DATE_TIME)
                                    .toInstant());
        } catch (DateTimeException | NumberFormatException e) {
            return Duration.ZERO;
        }
        if (wait.isNegative()) {
            return Duration.ZERO;
        }
        return wait.compareTo(LONGEST) > 0 ? LONGEST : wait;
    }
}

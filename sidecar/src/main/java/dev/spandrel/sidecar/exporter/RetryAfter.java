package dev.spandrel.sidecar.exporter;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;

/** The {@code Retry-After} header in both its forms, seconds and HTTP-date (RFC 9110, 10.2.3). */
final class RetryAfter {
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
        return wait.isNegative() ? Duration.ZERO : wait;
    }
}

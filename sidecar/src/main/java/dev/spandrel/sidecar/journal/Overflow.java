package dev.spandrel.sidecar.journal;

/** What a full journal does with one record more. */
public enum Overflow {
    /** Refuse it, with a delay to try again after: nothing acknowledged is ever given up. */
    REFUSE,
    /** Give up the oldest and count it: for telemetry that nobody is going to fetch. */
    EVICT_OLDEST
}

package dev.spandrel.engine.runner;

import dev.spandrel.engine.StartPhase;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/** Stamps the parts of an engine's opening, each from the end of the one before. */
final class StartLog {
    private final LongSupplier nanoClock;
    private final List<StartPhase> phases = new ArrayList<>();
    private long sinceNanos;

    StartLog(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
        this.sinceNanos = nanoClock.getAsLong();
    }

    /** What was done since the last call is over. */
    void done(String name) {
        long now = nanoClock.getAsLong();
        phases.add(new StartPhase(name, sinceNanos, now));
        sinceNanos = now;
    }

    List<StartPhase> phases() {
        return List.copyOf(phases);
    }
}

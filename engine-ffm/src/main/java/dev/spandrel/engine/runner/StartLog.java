package dev.spandrel.engine.runner;

import dev.spandrel.engine.StartPhase;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Stamps the parts of an engine's opening, each from the end of the one before: first those of the load, then what comes
 * after it. Each is told at once, so that an opening that fails is known as far as it came.
 */
final class StartLog {
    private static final String LOAD = "load";

    private final LongSupplier nanoClock;
    private final Consumer<StartPhase> listener;
    private final List<StartPhase> phases = new ArrayList<>();
    private final long startNanos;
    private long sinceNanos;
    private String parent = LOAD;

    StartLog(LongSupplier nanoClock, Consumer<StartPhase> listener) {
        this.nanoClock = nanoClock;
        this.listener = listener;
        this.startNanos = nanoClock.getAsLong();
        this.sinceNanos = startNanos;
    }

    /** What was done since the last call is over. */
    void done(String name) {
        long now = nanoClock.getAsLong();
        StartPhase phase = new StartPhase(name, parent, sinceNanos, now);
        phases.add(phase);
        listener.accept(phase);
        sinceNanos = now;
    }

    /** The model is there; what comes now is no part of loading it. */
    void loaded() {
        StartPhase load = new StartPhase(LOAD, "", startNanos, sinceNanos);
        phases.addFirst(load);
        listener.accept(load);
        parent = "";
    }

    List<StartPhase> phases() {
        return List.copyOf(phases);
    }
}

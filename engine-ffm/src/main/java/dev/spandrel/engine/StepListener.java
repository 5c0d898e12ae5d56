package dev.spandrel.engine;

/** Hears of every step, on the engine thread, right after it; what it does delays the next token, so it only counts. */
@FunctionalInterface
public interface StepListener {
    void onStep(StepRecord step);
}

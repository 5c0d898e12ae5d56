package dev.spandrel.engine;

/** Hears of every step, on the engine thread, right after it; what it does delays the next token, so it only counts. */
@FunctionalInterface
public interface StepListener {
    void onStep(StepRecord step);

    /** A part of the engine's opening is over; on the thread that opens it, which may fail at the next. */
    default void onStart(StartPhase phase) {}

    /** Whether it ever wants {@link StepRecord#detail}; asked once, when the engine opens. */
    default boolean detailed() {
        return false;
    }

    /** Whether it wants {@link StepRecord#detail} of the step about to begin; asked only of a {@link #detailed} one. */
    default boolean wantsDetail(long step) {
        return false;
    }
}

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

    /** Share of KV blocks whose lives it wants, 0 to 1; asked once, when the engine opens. */
    default double watchedBlocks() {
        return 0;
    }

    /** The content of a watched block was evicted; on the engine thread, in the middle of scheduling. */
    default void onEvicted(BlockLife life) {}

    /** Whether it wants {@link StepRecord#detail} of the step about to begin; asked only of a {@link #detailed} one. */
    default boolean wantsDetail(long step) {
        return false;
    }
}

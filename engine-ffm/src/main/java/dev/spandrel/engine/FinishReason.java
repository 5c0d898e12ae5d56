package dev.spandrel.engine;

/** Why a generation ended. */
public enum FinishReason {
    /** An end-of-sequence token or a stop string. */
    STOP,
    /** {@code max_tokens} or the context was used up. */
    LENGTH,
    /** Cancelled, or the engine closed. */
    ABORT,
    /** A step failed. */
    ERROR
}

package dev.spandrel.engine;

/**
 * A part of an engine's opening; parts do not overlap.
 *
 * @param name e.g. {@code load_weights}
 * @param startNanos on the engine's clock
 * @param endNanos on the engine's clock
 */
public record StartPhase(String name, long startNanos, long endNanos) {}

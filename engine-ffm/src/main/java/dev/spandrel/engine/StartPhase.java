package dev.spandrel.engine;

/**
 * A part of an engine's opening. Parts of one level do not overlap; those with a parent lie within it.
 *
 * @param name e.g. {@code upload}
 * @param parent the name of the part it belongs to; empty where it belongs to the opening itself
 * @param startNanos on the engine's clock
 * @param endNanos on the engine's clock
 */
public record StartPhase(String name, String parent, long startNanos, long endNanos) {}

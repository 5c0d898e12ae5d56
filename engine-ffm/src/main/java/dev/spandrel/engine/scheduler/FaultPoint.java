package dev.spandrel.engine.scheduler;

/**
 * A place where a step can fail, so that a test can make it fail there and look whether anything is lost. Costs a call of an
 * empty method.
 */
@FunctionalInterface
public interface FaultPoint {
    /** Never fails. */
    FaultPoint NONE = name -> {};

    /** Comes by; a test may throw. */
    void pass(String name);
}

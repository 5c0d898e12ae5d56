package dev.spandrel.engine.hub;

import java.time.Duration;

/** How to wait between attempts: {@code Thread::sleep} outside tests. */
@FunctionalInterface
interface Pause {
    void of(Duration duration) throws InterruptedException;
}

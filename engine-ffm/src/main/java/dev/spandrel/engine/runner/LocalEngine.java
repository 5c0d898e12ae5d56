package dev.spandrel.engine.runner;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;

/** Wires an engine in this process. */
public final class LocalEngine {
    private LocalEngine() {}

    public static Engine open(EngineConfig config) {
        throw new IllegalStateException("engine under construction: " + config.model());
    }
}

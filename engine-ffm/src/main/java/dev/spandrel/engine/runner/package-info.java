/**
 * The engine in this process: wiring, the one thread that owns all mutable state, and the handles through which virtual
 * threads hear from it. It knows every package beside it. Start reading at {@link
 * dev.spandrel.engine.runner.EngineOpening}, then {@link dev.spandrel.engine.runner.EngineLoop}.
 */
package dev.spandrel.engine.runner;

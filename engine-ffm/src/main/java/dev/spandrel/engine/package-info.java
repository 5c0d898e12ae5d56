/**
 * The engine's public face: what a server says to it ({@link dev.spandrel.engine.GenerationRequest}) and hears back
 * ({@link dev.spandrel.engine.GenerationEvent}, {@link dev.spandrel.engine.RequestTimings}). It knows no server, no
 * OpenTelemetry and no JSON of any API; only {@link dev.spandrel.engine.Engine} reaches the sub-packages. Start reading
 * at {@link dev.spandrel.engine.Engine#open}.
 */
package dev.spandrel.engine;

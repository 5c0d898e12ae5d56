/**
 * The OpenAI API as vLLM serves it: JSON in, {@link dev.spandrel.engine.GenerationRequest} out, JSON or server-sent
 * events back; the only home of snake_case. It knows Helidon, Jackson and the engine's root package, and nothing of
 * OpenTelemetry: who wants to hear of generations implements {@link dev.spandrel.server.openai.GenerationListener}. Start
 * reading at {@link dev.spandrel.server.openai.CompletionsService}.
 */
package dev.spandrel.server.openai;

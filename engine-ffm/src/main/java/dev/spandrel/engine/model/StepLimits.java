package dev.spandrel.engine.model;

/**
 * What a network must be ready for; its buffers are carved for it when it is loaded.
 *
 * @param maxTokens most tokens in a step
 * @param maxLogitRows most rows with logits in a step
 * @param maxModelLen longest sequence that will be served; some position encodings choose their factors by it
 */
public record StepLimits(int maxTokens, int maxLogitRows, int maxModelLen) {}

/**
 * From a row of logits to a token. Pure functions of the logits, the sampling values, the seed and the position, so that
 * batching, chunking and preemption cannot change what a request says. Start reading at {@link
 * dev.spandrel.engine.sampling.Sampler#sample}.
 */
package dev.spandrel.engine.sampling;

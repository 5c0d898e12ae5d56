/**
 * Weight files as they lie on disk: opened by mapping, every length and offset checked before use, nothing copied. It
 * knows tensors and JSON, no model. Start reading at {@link dev.spandrel.engine.checkpoint.Checkpoint}.
 */
package dev.spandrel.engine.checkpoint;

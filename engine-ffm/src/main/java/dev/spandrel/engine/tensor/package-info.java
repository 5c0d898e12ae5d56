/**
 * The nouns of numeric data: element types, shaped views and the buffers a backend works on. It knows nothing of files,
 * models or devices. Start reading at {@link dev.spandrel.engine.tensor.Tensor}.
 */
package dev.spandrel.engine.tensor;

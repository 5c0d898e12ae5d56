/**
 * Text to token ids and back, and conversations to text. It knows the tokenizer files of a model folder, no weights.
 * Start reading at {@link dev.spandrel.engine.tokenizer.Tokenizer}.
 */
package dev.spandrel.engine.tokenizer;

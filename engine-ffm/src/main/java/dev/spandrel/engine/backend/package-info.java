/**
 * The verbs of a forward pass, and the plain implementation that is their truth. A backend knows tensors and nothing of
 * models, files or requests; fast backends live in sub-packages. Start reading at {@link
 * dev.spandrel.engine.backend.Backend}, then {@link dev.spandrel.engine.backend.ReferenceBackend}.
 */
package dev.spandrel.engine.backend;

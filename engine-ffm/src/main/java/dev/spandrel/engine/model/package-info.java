/**
 * Model families as pages one can read beside the paper, and what turns a folder into one. It knows checkpoints, tensors
 * and the verbs of a backend; nothing of requests or tokens' text. Start reading at {@link
 * dev.spandrel.engine.model.OptModel#forward}.
 */
package dev.spandrel.engine.model;

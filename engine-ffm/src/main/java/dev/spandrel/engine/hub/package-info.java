/**
 * From what a user calls a model to the folder that holds it, over the network where it must be. It knows file systems and
 * the Hugging Face Hub, nothing of what lies in the folder. Start reading at {@link dev.spandrel.engine.hub.ModelHub}.
 */
package dev.spandrel.engine.hub;

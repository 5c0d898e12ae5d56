/**
 * From what a user calls a model to the folder that holds it. It knows file systems, nothing of what lies in the folder.
 * Start reading at {@link dev.spandrel.engine.hub.ModelHub}.
 */
package dev.spandrel.engine.hub;

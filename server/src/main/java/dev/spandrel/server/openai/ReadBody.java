package dev.spandrel.server.openai;

/**
 * A body that somebody has read already, in the context of its request.
 *
 * @param bytes all of it; not to be changed
 */
record ReadBody(byte[] bytes) {}

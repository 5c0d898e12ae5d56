package dev.spandrel.engine.hub;

import java.nio.file.Path;

/**
 * A model on this machine.
 *
 * @param name what to call it: the folder's or file's name, or the Hub id
 * @param folder where its files are, or its GGUF file
 */
public record LocatedModel(String name, Path folder) {}

package dev.spandrel.engine;

/**
 * Whether a backend can be used on this machine.
 *
 * @param name as {@code --backend} takes it
 * @param usable whether it would run
 * @param found what it runs on, or why it does not
 * @param cure what would help; empty where nothing need be done
 */
public record BackendCheck(String name, boolean usable, String found, String cure) {}

package dev.spandrel.sidecar.journal;

/** When an appended record counts as safe. */
public enum Sync {
    /** Once the operating system has it: survives the process, not the machine. */
    NONE,
    /** Once a force that covers all requests of a few milliseconds has returned. */
    GROUP,
    /** Once a force of its own has returned. */
    EACH
}

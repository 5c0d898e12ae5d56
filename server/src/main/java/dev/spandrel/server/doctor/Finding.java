package dev.spandrel.server.doctor;

/**
 * One line of the doctor's report.
 *
 * @param level how bad it is
 * @param subject what was looked at
 * @param found what is there
 * @param cure what would help; empty where nothing need be done
 */
record Finding(Level level, String subject, String found, String cure) {
    /** Only {@code WRONG} makes the exit code 1. */
    enum Level {
        OK,
        NOTE,
        WRONG
    }

    static Finding ok(String subject, String found) {
        return new Finding(Level.OK, subject, found, "");
    }

    static Finding note(String subject, String found, String cure) {
        return new Finding(Level.NOTE, subject, found, cure);
    }

    static Finding wrong(String subject, String found, String cure) {
        return new Finding(Level.WRONG, subject, found, cure);
    }

    /** Level and subject in columns, and the cure below. */
    String text() {
        String line = String.format("%-6s %-14s %s", level.name().toLowerCase(java.util.Locale.ROOT), subject, found);
        return cure.isEmpty() ? line : line + System.lineSeparator() + " ".repeat(22) + "→ " + cure;
    }
}

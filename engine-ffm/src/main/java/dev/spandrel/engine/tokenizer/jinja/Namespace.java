package dev.spandrel.engine.tokenizer.jinja;

import java.util.HashMap;
import java.util.Map;

/**
 * {@code namespace()}: the one thing whose members a template may set from within a loop.
 *
 * @param members by name
 */
record Namespace(Map<String, Object> members) {
    Namespace {
        members = new HashMap<>(members);
    }

    /** Not its members: it may hold itself. */
    @Override
    public String toString() {
        return "<Namespace>";
    }

    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }
}

package dev.spandrel.engine.tokenizer.jinja;

import java.util.HashMap;
import java.util.Map;

/** Variables of one block: setting is local, looking up goes outwards, as in Jinja. */
final class Scope {
    private final Scope parent;
    private final Budget budget;
    private final Map<String, Object> variables = new HashMap<>();

    Scope(Budget budget) {
        this.parent = null;
        this.budget = budget;
    }

    private Scope(Scope parent) {
        this.parent = parent;
        this.budget = parent.budget;
    }

    Scope child() {
        return new Scope(this);
    }

    Budget budget() {
        return budget;
    }

    void set(String name, Object value) {
        variables.put(name, value);
    }

    /** The value of a variable, or {@link Undefined}. */
    Object get(String name) {
        for (Scope scope = this; scope != null; scope = scope.parent) {
            if (scope.variables.containsKey(name)) {
                return scope.variables.get(name);
            }
        }
        return new Undefined(name);
    }
}

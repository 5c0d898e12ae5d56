package dev.spandrel.engine.tokenizer.jinja;

import java.util.List;
import java.util.Map;

/** Something a template can call: a macro, a method, a filter with its input as first argument. */
@FunctionalInterface
interface Function {
    Object call(Arguments arguments);

    /**
     * Arguments of a call.
     *
     * @param budget of the rendering
     * @param positional in order
     * @param named by name
     */
    record Arguments(Budget budget, List<Object> positional, Map<String, Object> named) {
        /** The argument at a position or of a name, or the default. */
        Object get(int index, String name, Object otherwise) {
            return index < positional.size() ? positional.get(index) : named.getOrDefault(name, otherwise);
        }

        /** An argument that must be there. */
        Object get(int index, String name) {
            if (index >= positional.size() && !named.containsKey(name)) {
                throw new TemplateException("expected an argument " + name + ", found none");
            }
            return get(index, name, null);
        }

        String string(int index, String name) {
            return Values.string(get(index, name));
        }

        long integer(int index, String name, long otherwise) {
            return Values.integer(get(index, name, otherwise));
        }

        boolean flag(int index, String name, boolean otherwise) {
            return Values.truth(get(index, name, otherwise));
        }

        /** Positional arguments from an index on. */
        List<Object> from(int index) {
            return positional.subList(Math.min(index, positional.size()), positional.size());
        }
    }
}

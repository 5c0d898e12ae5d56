package dev.spandrel.engine.tokenizer.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A {@code for} block.
 *
 * @param filter which items take part, or null for all
 * @param otherwise what is rendered when none does
 */
record Loop(Target target, Expression items, Expression filter, Statement body, Statement otherwise)
        implements Statement {
    @Override
    public Flow render(Scope scope, Output output) {
        List<Object> taking = taking(scope);
        if (taking.isEmpty()) {
            return otherwise.render(scope, output);
        }
        for (int i = 0; i < taking.size(); i++) {
            Scope inner = scope.child();
            inner.set("loop", new Position(taking, i));
            target.assign(taking.get(i), inner);
            inner.budget().charge(0);
            if (body.render(inner, output) == Flow.BREAK) {
                break;
            }
        }
        return Flow.NEXT;
    }

    private List<Object> taking(Scope scope) {
        List<Object> all = Values.iterate(items.evaluate(scope));
        scope.budget().charge(all.size());
        if (filter == null) {
            return all;
        }
        List<Object> taking = new ArrayList<>();
        for (Object item : all) {
            Scope inner = scope.child();
            target.assign(item, inner);
            scope.budget().charge(0);
            if (Values.truth(filter.evaluate(inner))) {
                taking.add(item);
            }
        }
        return taking;
    }

    /** The variable {@code loop}: where in its items a loop is. */
    private static final class Position extends java.util.AbstractMap<String, Object> {
        private final List<Object> items;
        private final int index;
        private Map<String, Object> members;

        Position(List<Object> items, int index) {
            this.items = items;
            this.index = index;
        }

        @Override
        public java.util.Set<Entry<String, Object>> entrySet() {
            if (members == null) {
                members = members();
            }
            return members.entrySet();
        }

        @Override
        public boolean containsKey(Object key) {
            entrySet();
            return members.containsKey(key);
        }

        @Override
        public Object get(Object key) {
            entrySet();
            return members.get(key);
        }

        private Map<String, Object> members() {
            int size = items.size();
            Map<String, Object> all = new HashMap<>();
            all.put("index", index + 1L);
            all.put("index0", (long) index);
            all.put("revindex", (long) size - index);
            all.put("revindex0", size - index - 1L);
            all.put("first", index == 0);
            all.put("last", index == size - 1);
            all.put("length", (long) size);
            all.put("depth", 1L);
            all.put("depth0", 0L);
            all.put("previtem", index > 0 ? items.get(index - 1) : new Undefined("loop.previtem"));
            all.put("nextitem", index + 1 < size ? items.get(index + 1) : new Undefined("loop.nextitem"));
            Function cycle = a -> a.from(0).isEmpty()
                    ? new Undefined("a cycle")
                    : a.from(0).get(index % a.from(0).size());
            all.put("cycle", cycle);
            return all;
        }
    }
}

package dev.spandrel.engine.tokenizer.jinja;

import dev.spandrel.engine.tokenizer.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;

/**
 * What a value is assigned to: a name, a member of a namespace, or several names at once.
 *
 * @param names one or more
 * @param member the namespace's member, or null
 * @param unpacks whether the value is taken apart
 */
record Target(List<String> names, String member, boolean unpacks) {
    static Target parse(TokenStream tokens) {
        boolean bracket = tokens.skipOperator("(");
        List<String> names = new ArrayList<>();
        names.add(tokens.expect(Kind.NAME).text());
        if (tokens.skipOperator(".")) {
            return new Target(names, tokens.expect(Kind.NAME).text(), false);
        }
        boolean unpacks = false;
        while (tokens.skipOperator(",")) {
            unpacks = true;
            if (tokens.peek().kind() == Kind.NAME && !tokens.isName("in")) {
                names.add(tokens.next().text());
            }
        }
        if (bracket) {
            tokens.expectOperator(")");
        }
        return new Target(List.copyOf(names), null, unpacks);
    }

    void assign(Object value, Scope scope) {
        if (member != null) {
            if (!(scope.get(names.getFirst()) instanceof Namespace namespace)) {
                throw Values.mismatch("a namespace to set " + member + " in", scope.get(names.getFirst()));
            }
            namespace.members().put(member, value);
        } else if (unpacks) {
            List<Object> values = Values.iterate(value);
            if (values.size() != names.size()) {
                throw new TemplateException("expected " + names.size() + " values to unpack, found " + values.size());
            }
            for (int i = 0; i < names.size(); i++) {
                scope.set(names.get(i), values.get(i));
            }
        } else {
            scope.set(names.getFirst(), value);
        }
    }
}

package dev.spandrel.engine.tokenizer.jinja;

import dev.spandrel.engine.tokenizer.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A macro: its body, rendered into a text when called. It sees the variables of where it was defined.
 *
 * @param scope where it was defined
 */
record Macro(Signature signature, Statement body, Scope scope) implements Function {
    /** The variable that holds a captured text while its filters run; no template can name it. */
    static final String CAPTURED = "{captured}";

    /**
     * Parameters.
     *
     * @param names in order
     * @param defaults by name, for those that have one
     */
    record Signature(List<String> names, Map<String, Expression> defaults) {
        static Signature parse(TokenStream tokens, ExpressionParser expressions) {
            List<String> names = new ArrayList<>();
            Map<String, Expression> defaults = new LinkedHashMap<>();
            tokens.expectOperator("(");
            while (!tokens.skipOperator(")")) {
                String name = tokens.expect(Kind.NAME).text();
                names.add(name);
                if (tokens.skipOperator("=")) {
                    defaults.put(name, expressions.parse());
                }
                if (!tokens.isOperator(")")) {
                    tokens.expectOperator(",");
                }
            }
            return new Signature(List.copyOf(names), defaults);
        }
    }

    @Override
    public Object call(Arguments arguments) {
        List<String> names = signature.names();
        Set<String> unknown = new HashSet<>(arguments.named().keySet());
        names.forEach(unknown::remove);
        if (!unknown.isEmpty() || arguments.positional().size() > names.size()) {
            throw new TemplateException("expected arguments " + names + " of a macro, found "
                    + arguments.positional().size() + " and "
                    + arguments.named().keySet());
        }
        Scope inner = scope.child();
        for (int i = 0; i < names.size(); i++) {
            String name = names.get(i);
            Expression otherwise = signature.defaults().get(name);
            boolean given =
                    i < arguments.positional().size() || arguments.named().containsKey(name);
            inner.set(
                    name,
                    given
                            ? arguments.get(i, name)
                            : otherwise == null ? new Undefined(name) : otherwise.evaluate(inner));
        }
        Output output = new Output(inner.budget());
        body.render(inner, output);
        return output.toString();
    }

    /** A scope in which {@link #CAPTURED} is the text a body renders. */
    static Scope capture(Statement body, Scope scope) {
        Output output = new Output(scope.budget());
        body.render(scope.child(), output);
        Scope inner = scope.child();
        inner.set(CAPTURED, output.toString());
        return inner;
    }
}

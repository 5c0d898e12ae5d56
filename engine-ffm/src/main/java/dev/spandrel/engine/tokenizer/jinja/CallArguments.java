package dev.spandrel.engine.tokenizer.jinja;

import dev.spandrel.engine.tokenizer.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The arguments written in a call, and the call itself.
 *
 * @param positional in order
 * @param named by name
 */
record CallArguments(List<Expression> positional, Map<String, Expression> named) {
    static final CallArguments NONE = new CallArguments(List.of(), Map.of());

    static CallArguments of(Expression only) {
        return new CallArguments(List.of(only), Map.of());
    }

    /** Arguments from behind the opening bracket to behind the closing one. */
    static CallArguments parse(TokenStream tokens, ExpressionParser expressions) {
        List<Expression> positional = new ArrayList<>();
        Map<String, Expression> named = new LinkedHashMap<>();
        while (!tokens.skipOperator(")")) {
            if (tokens.peek().kind() == Kind.NAME && tokens.peek(1).is(Kind.OPERATOR, "=")) {
                String name = tokens.next().text();
                tokens.next();
                named.put(name, expressions.parse());
            } else if (named.isEmpty()) {
                positional.add(expressions.parse());
            } else {
                throw tokens.unexpected("a named argument");
            }
            if (!tokens.isOperator(")")) {
                tokens.expectOperator(",");
            }
        }
        return new CallArguments(List.copyOf(positional), named);
    }

    /** Calls what an expression gave. */
    Object call(Object target, Scope scope) {
        if (target instanceof Function function) {
            return call(function, new ArrayList<>(), scope);
        }
        throw Values.mismatch("something that can be called", target);
    }

    /** Calls a filter or test with its value in front. */
    Object call(Function function, Object value, Scope scope) {
        List<Object> values = new ArrayList<>();
        values.add(value);
        return call(function, values, scope);
    }

    private Object call(Function function, List<Object> values, Scope scope) {
        positional.forEach(argument -> values.add(argument.evaluate(scope)));
        Map<String, Object> byName = new LinkedHashMap<>();
        named.forEach((name, argument) -> byName.put(name, argument.evaluate(scope)));
        // Paid for twice, before and after: a method works through its text, and may give a larger one.
        values.forEach(each -> scope.budget().charge(size(each)));
        scope.budget().enter();
        Object result = function.call(new Function.Arguments(scope.budget(), values, byName));
        scope.budget().leave();
        scope.budget().charge(size(result));
        return result;
    }

    private static long size(Object value) {
        return value instanceof String text ? text.length() : value instanceof List<?> list ? list.size() : 0;
    }
}

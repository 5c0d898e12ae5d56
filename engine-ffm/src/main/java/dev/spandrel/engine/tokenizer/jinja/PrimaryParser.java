package dev.spandrel.engine.tokenizer.jinja;

import dev.spandrel.engine.tokenizer.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/** Literals, names and brackets, and what follows them: members, calls, filters and tests. */
final class PrimaryParser {
    private static final Set<String> NO_TEST_ARGUMENT = Set.of("else", "or", "and", "if", "is", "in", "not");

    private final TokenStream tokens;
    private final ExpressionParser expressions;

    PrimaryParser(TokenStream tokens, ExpressionParser expressions) {
        this.tokens = tokens;
        this.expressions = expressions;
    }

    Expression parse() {
        Token token = tokens.peek();
        return switch (token.kind()) {
            case NAME -> name(tokens.next().text());
            case STRING -> constant(strings());
            case INTEGER, FLOAT -> constant(number(tokens.next()));
            case OPERATOR -> bracket(token.text());
            default -> throw tokens.unexpected("an expression");
        };
    }

    private static Expression constant(Object value) {
        return scope -> value;
    }

    private static Expression name(String name) {
        return switch (name) {
            case "true", "True" -> constant(true);
            case "false", "False" -> constant(false);
            case "none", "None" -> constant(null);
            default -> scope -> scope.get(name);
        };
    }

    /** Strings side by side are one. */
    private String strings() {
        StringBuilder text = new StringBuilder();
        while (tokens.peek().kind() == Kind.STRING) {
            text.append(tokens.next().text());
        }
        return text.toString();
    }

    private static Object number(Token token) {
        try {
            return token.kind() == Kind.FLOAT
                    ? (Object) Double.parseDouble(token.text())
                    : (Object) Long.parseLong(token.text());
        } catch (NumberFormatException e) {
            throw new TemplateException("expected a number of 64 bits, found " + token.text()).at(token.line());
        }
    }

    private Expression bracket(String open) {
        switch (open) {
            case "(" -> {
                tokens.next();
                if (tokens.skipOperator(")")) {
                    return scope -> new Tuple(List.of());
                }
                Expression inner = expressions.tuple();
                tokens.expectOperator(")");
                return inner;
            }
            case "[" -> {
                tokens.next();
                return list(items("]"));
            }
            case "{" -> {
                tokens.next();
                return map();
            }
            default -> throw tokens.unexpected("an expression");
        }
    }

    /** The first item, or a tuple of it and those that follow after commas. */
    Expression tupleOf(Expression first, Supplier<Expression> more) {
        if (!tokens.isOperator(",")) {
            return first;
        }
        List<Expression> items = new ArrayList<>(List.of(first));
        while (tokens.skipOperator(",")
                && !tokens.isOperator(")")
                && tokens.peek().kind() != Kind.BLOCK_END) {
            items.add(more.get());
        }
        Expression list = list(items);
        return scope -> new Tuple(Values.iterate(list.evaluate(scope)));
    }

    private static Expression list(List<Expression> items) {
        return scope -> {
            scope.budget().charge(items.size());
            List<Object> values = new ArrayList<>(items.size());
            items.forEach(item -> values.add(item.evaluate(scope)));
            return values;
        };
    }

    private List<Expression> items(String close) {
        List<Expression> items = new ArrayList<>();
        while (!tokens.skipOperator(close)) {
            items.add(expressions.parse());
            if (!tokens.isOperator(close)) {
                tokens.expectOperator(",");
            }
        }
        return items;
    }

    private Expression map() {
        Map<Expression, Expression> members = new LinkedHashMap<>();
        while (!tokens.skipOperator("}")) {
            Expression key = expressions.parse();
            tokens.expectOperator(":");
            members.put(key, expressions.parse());
            if (!tokens.isOperator("}")) {
                tokens.expectOperator(",");
            }
        }
        return scope -> {
            scope.budget().charge(members.size());
            Map<Object, Object> map = new LinkedHashMap<>();
            members.forEach((key, value) -> map.put(Values.key(key.evaluate(scope)), value.evaluate(scope)));
            return map;
        };
    }

    Expression postfix(Expression start) {
        Expression value = start;
        while (true) {
            Expression target = value;
            if (tokens.skipOperator(".")) {
                Token member = tokens.next();
                if (member.kind() != Kind.NAME && member.kind() != Kind.INTEGER) {
                    throw new TemplateException("expected a member's name, found " + member.shown()).at(member.line());
                }
                value = member.kind() == Kind.NAME
                        ? scope -> attribute(target.evaluate(scope), member.text(), scope)
                        : scope -> Members.item(target.evaluate(scope), number(member));
            } else if (tokens.skipOperator("[")) {
                value = subscript(target);
            } else if (tokens.skipOperator("(")) {
                CallArguments arguments = CallArguments.parse(tokens, expressions);
                value = scope -> arguments.call(target.evaluate(scope), scope);
            } else {
                return value;
            }
        }
    }

    private static Object attribute(Object target, String name, Scope scope) {
        // A method will work through the whole text, so its length is paid for here.
        scope.budget().charge(target instanceof String text ? text.length() : 0);
        return Members.attribute(target, name);
    }

    private Expression subscript(Expression target) {
        Expression[] parts = new Expression[3];
        int part = 0;
        while (!tokens.skipOperator("]")) {
            if (tokens.skipOperator(":")) {
                part++;
            } else if (parts[Math.min(part, 2)] == null) {
                parts[Math.min(part, 2)] = expressions.parse();
            } else {
                throw tokens.unexpected("]");
            }
            if (part > 2) {
                throw tokens.unexpected("a slice of at most three parts");
            }
        }
        if (part == 0 && parts[0] == null) {
            throw tokens.unexpected("an index before ]");
        }
        return part == 0
                ? scope -> {
                    scope.budget().charge(0);
                    return Members.item(target.evaluate(scope), parts[0].evaluate(scope));
                }
                : scope -> {
                    Object value = target.evaluate(scope);
                    scope.budget().charge(Values.length(value));
                    return Members.slice(value, part(parts[0], scope), part(parts[1], scope), part(parts[2], scope));
                };
    }

    private static Object part(Expression part, Scope scope) {
        return part == null ? null : part.evaluate(scope);
    }

    /** Filters and tests behind an expression. */
    Expression filters(Expression start) {
        Expression value = start;
        while (true) {
            if (tokens.skipOperator("|")) {
                value = filter(value);
            } else if (tokens.skipName("is")) {
                value = test(value);
            } else if (tokens.isOperator("(")) {
                value = postfix(value);
            } else {
                return value;
            }
        }
    }

    /** From behind the bar: a filter's name, and its arguments if it has any. */
    Expression filter(Expression value) {
        Token name = tokens.expect(Kind.NAME);
        Function filter = Filters.find(name.text());
        if (filter == null) {
            throw new TemplateException("no filter named " + name.text()).at(name.line());
        }
        CallArguments arguments =
                tokens.skipOperator("(") ? CallArguments.parse(tokens, expressions) : CallArguments.NONE;
        return scope -> arguments.call(filter, value.evaluate(scope), scope);
    }

    private Expression test(Expression value) {
        boolean negated = tokens.skipName("not");
        Token name = tokens.expect(Kind.NAME);
        Function test = Predicates.find(name.text());
        if (test == null) {
            throw new TemplateException("no test named " + name.text()).at(name.line());
        }
        CallArguments arguments = CallArguments.NONE;
        if (tokens.skipOperator("(")) {
            arguments = CallArguments.parse(tokens, expressions);
        } else if (beginsArgument(tokens.peek())) {
            arguments = CallArguments.of(postfix(parse()));
        }
        CallArguments all = arguments;
        return scope -> Values.truth(all.call(test, value.evaluate(scope), scope)) != negated;
    }

    private static boolean beginsArgument(Token token) {
        return switch (token.kind()) {
            case STRING, INTEGER, FLOAT -> true;
            case NAME -> !NO_TEST_ARGUMENT.contains(token.text());
            case OPERATOR -> token.text().equals("[") || token.text().equals("{");
            default -> false;
        };
    }
}

package dev.spandrel.engine.tokenizer.jinja;

import dev.spandrel.engine.tokenizer.jinja.Token.Kind;
import java.util.List;
import java.util.Set;

/** Expressions by descending precedence, level by level as in Jinja's own parser. */
final class ExpressionParser {
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

    private final TokenStream tokens;
    private final PrimaryParser primary;

    ExpressionParser(TokenStream tokens) {
        this.tokens = tokens;
        this.primary = new PrimaryParser(tokens, this);
    }

    /** An expression, with its {@code a if b else c}. */
    Expression parse() {
        tokens.enter();
        Expression expression = or();
        while (tokens.skipName("if")) {
            Expression value = expression;
            Expression condition = or();
            Expression otherwise = tokens.skipName("else") ? parse() : scope -> new Undefined("the missing else");
            expression = scope -> (Values.truth(condition.evaluate(scope)) ? value : otherwise).evaluate(scope);
        }
        tokens.leave();
        return expression;
    }

    /** An expression that leaves an {@code if} behind it alone: what a loop runs over. */
    Expression withoutCondition() {
        return primary.tupleOf(or(), this::or);
    }

    /** Expressions with commas between them are a tuple. */
    Expression tuple() {
        return primary.tupleOf(parse(), this::parse);
    }

    /** From behind a bar: a filter on a value. */
    Expression filter(Expression value) {
        return primary.filter(value);
    }

    private Expression or() {
        Expression left = and();
        while (tokens.skipName("or")) {
            Expression first = left;
            Expression second = and();
            left = scope -> {
                Object value = first.evaluate(scope);
                return Values.truth(value) ? value : second.evaluate(scope);
            };
        }
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (tokens.skipName("and")) {
            Expression first = left;
            Expression second = not();
            left = scope -> {
                Object value = first.evaluate(scope);
                return Values.truth(value) ? second.evaluate(scope) : value;
            };
        }
        return left;
    }

    private Expression not() {
        if (!tokens.skipName("not")) {
            return comparison();
        }
        tokens.enter();
        Expression negated = not();
        tokens.leave();
        return scope -> !Values.truth(negated.evaluate(scope));
    }

    /** {@code a < b < c} holds when each pair does. */
    private Expression comparison() {
        Expression left = sum();
        Expression all = null;
        for (String operator = comparator(); operator != null; operator = comparator()) {
            String chosen = operator;
            Expression first = left;
            Expression second = sum();
            Expression pair = scope -> compare(scope, chosen, first, second);
            Expression before = all;
            all = before == null ? pair : scope -> Values.truth(before.evaluate(scope)) ? pair.evaluate(scope) : false;
            left = second;
        }
        return all == null ? left : all;
    }

    private static Object compare(Scope scope, String operator, Expression left, Expression right) {
        Object first = left.evaluate(scope);
        Object second = right.evaluate(scope);
        scope.budget().charge(first instanceof String a ? a.length() : second instanceof List<?> b ? b.size() : 0);
        return Operators.compare(operator, first, second);
    }

    private String comparator() {
        Token token = tokens.peek();
        if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text())) {
            return tokens.next().text();
        }
        if (tokens.skipName("in")) {
            return "in";
        }
        if (token.is(Kind.NAME, "not") && tokens.peek(1).is(Kind.NAME, "in")) {
            tokens.next();
            tokens.next();
            return "not in";
        }
        return null;
    }

    private Expression sum() {
        return binary(List.of("+", "-"), () -> binary(List.of("~"), this::product));
    }

    private Expression product() {
        return binary(List.of("*", "/", "//", "%"), () -> binary(List.of("**"), () -> unary(true)));
    }

    private Expression binary(List<String> operators, java.util.function.Supplier<Expression> operand) {
        Expression left = operand.get();
        while (tokens.peek().kind() == Kind.OPERATOR
                && operators.contains(tokens.peek().text())) {
            String operator = tokens.next().text();
            Expression first = left;
            Expression second = operand.get();
            left = scope -> {
                scope.budget().charge(0);
                return Operators.binary(operator, first.evaluate(scope), second.evaluate(scope), scope.budget());
            };
        }
        return left;
    }

    private Expression unary(boolean filters) {
        tokens.enter();
        Expression expression;
        if (tokens.skipOperator("-")) {
            Expression negated = unary(false);
            expression = scope -> Operators.negate(negated.evaluate(scope));
        } else if (tokens.skipOperator("+")) {
            expression = unary(false);
        } else {
            expression = primary.parse();
        }
        expression = primary.postfix(expression);
        tokens.leave();
        return filters ? primary.filters(expression) : expression;
    }
}

package dev.spandrel.engine.tokenizer.jinja;

import dev.spandrel.engine.tokenizer.jinja.Statement.Flow;
import dev.spandrel.engine.tokenizer.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;

/** Statements of a template; a recursive descent that gives closures, so rendering walks no tree of nodes. */
final class Parser {
    private final TokenStream tokens;
    private final ExpressionParser expressions;
    private int loops;

    private Parser(TokenStream tokens) {
        this.tokens = tokens;
        this.expressions = new ExpressionParser(tokens);
    }

    /** @throws TemplateException naming line, expected and found */
    static Statement parse(List<Token> template) {
        TokenStream tokens = new TokenStream(template);
        Parser parser = new Parser(tokens);
        Statement body = parser.body();
        if (tokens.peek().kind() != Kind.END) {
            throw tokens.unexpected("a block that was begun");
        }
        return body;
    }

    /** Everything up to one of the names, which is left standing behind its opened block. */
    private Statement body(String... ends) {
        tokens.enter();
        List<Statement> statements = new ArrayList<>();
        while (tokens.peek().kind() != Kind.END) {
            Token token = tokens.next();
            switch (token.kind()) {
                case DATA -> statements.add(data(token.text()));
                case VARIABLE_BEGIN -> {
                    statements.add(Statement.located(token.line(), output(expressions.tuple())));
                    tokens.expect(Kind.VARIABLE_END);
                }
                default -> {
                    for (String end : ends) {
                        if (tokens.isName(end)) {
                            tokens.leave();
                            return Statement.all(statements);
                        }
                    }
                    statements.add(Statement.located(token.line(), statement()));
                    tokens.expect(Kind.BLOCK_END);
                }
            }
        }
        if (ends.length > 0) {
            throw tokens.unexpected(String.join(" or ", ends));
        }
        tokens.leave();
        return Statement.all(statements);
    }

    /** A body and the name that ended it. */
    private Statement bodyOf(String end) {
        tokens.expect(Kind.BLOCK_END);
        Statement body = body(end);
        tokens.expectName(end);
        return body;
    }

    private static Statement data(String text) {
        return (scope, output) -> {
            output.append(text);
            return Flow.NEXT;
        };
    }

    private static Statement output(Expression expression) {
        return (scope, output) -> {
            output.append(Text.of(expression.evaluate(scope), scope.budget()));
            return Flow.NEXT;
        };
    }

    private Statement statement() {
        Token name = tokens.expect(Kind.NAME);
        return switch (name.text()) {
            case "if" -> conditional();
            case "for" -> loop();
            case "set" -> assignment();
            case "macro" -> macro();
            case "filter" -> filterBlock();
            // Marks what a model is trained on; it changes nothing of the text.
            case "generation" -> bodyOf("endgeneration");
            case "break" -> leaveLoop(name, Flow.BREAK);
            case "continue" -> leaveLoop(name, Flow.CONTINUE);
            default ->
                throw new TemplateException("expected a block this version knows (if, for, set, macro, filter, "
                                + "generation, raw, break, continue), found " + name.text())
                        .at(name.line());
        };
    }

    private Statement leaveLoop(Token name, Flow flow) {
        if (loops == 0) {
            throw new TemplateException("expected a loop around " + name.text()).at(name.line());
        }
        return (scope, output) -> flow;
    }

    private Statement conditional() {
        Expression condition = expressions.tuple();
        tokens.expect(Kind.BLOCK_END);
        Statement then = body("elif", "else", "endif");
        Statement otherwise;
        if (tokens.skipName("elif")) {
            tokens.enter();
            otherwise = conditional();
            tokens.leave();
        } else {
            otherwise = tokens.skipName("else") ? bodyOf("endif") : Statement.all(List.of());
            if (tokens.peek().kind() != Kind.BLOCK_END) {
                tokens.expectName("endif");
            }
        }
        return (scope, output) -> (Values.truth(condition.evaluate(scope)) ? then : otherwise).render(scope, output);
    }

    private Statement loop() {
        Target target = Target.parse(tokens);
        tokens.expectName("in");
        Expression items = expressions.withoutCondition();
        Expression filter = tokens.skipName("if") ? expressions.parse() : null;
        if (tokens.isName("recursive")) {
            throw tokens.unexpected("a loop that is not recursive");
        }
        tokens.expect(Kind.BLOCK_END);
        loops++;
        Statement body = body("else", "endfor");
        loops--;
        Statement otherwise = Statement.all(List.of());
        if (tokens.skipName("else")) {
            otherwise = bodyOf("endfor");
        } else {
            tokens.expectName("endfor");
        }
        return new Loop(target, items, filter, body, otherwise);
    }

    private Statement assignment() {
        Target target = Target.parse(tokens);
        if (tokens.skipOperator("=")) {
            Expression value = expressions.tuple();
            return (scope, output) -> {
                target.assign(value.evaluate(scope), scope);
                return Flow.NEXT;
            };
        }
        Expression[] value = {scope -> scope.get(Macro.CAPTURED)};
        while (tokens.skipOperator("|")) {
            value[0] = expressions.filter(value[0]);
        }
        Statement body = bodyOf("endset");
        return (scope, output) -> {
            target.assign(value[0].evaluate(Macro.capture(body, scope)), scope);
            return Flow.NEXT;
        };
    }

    private Statement filterBlock() {
        Expression value = expressions.filter(scope -> scope.get(Macro.CAPTURED));
        while (tokens.skipOperator("|")) {
            value = expressions.filter(value);
        }
        Expression filtered = value;
        Statement body = bodyOf("endfilter");
        return (scope, output) -> output(filtered).render(Macro.capture(body, scope), output);
    }

    private Statement macro() {
        String name = tokens.expect(Kind.NAME).text();
        Macro.Signature signature = Macro.Signature.parse(tokens, expressions);
        Statement body = macroBody("endmacro");
        return (scope, output) -> {
            scope.set(name, new Macro(signature, body, scope));
            return Flow.NEXT;
        };
    }

    /** A loop around a macro is none for what stands in it. */
    private Statement macroBody(String end) {
        int outside = loops;
        loops = 0;
        Statement body = bodyOf(end);
        loops = outside;
        return body;
    }
}

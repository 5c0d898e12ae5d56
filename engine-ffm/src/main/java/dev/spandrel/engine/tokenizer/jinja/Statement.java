package dev.spandrel.engine.tokenizer.jinja;

import java.util.List;

/** A parsed piece of a template. */
@FunctionalInterface
interface Statement {
    /** How a statement ended: at its end, or by leaving the loop it is in. */
    enum Flow {
        NEXT,
        CONTINUE,
        BREAK
    }

    Flow render(Scope scope, Output output);

    /** Several, one after the other. */
    static Statement all(List<Statement> statements) {
        List<Statement> body = List.copyOf(statements);
        return (scope, output) -> {
            for (Statement statement : body) {
                scope.budget().charge(0);
                Flow flow = statement.render(scope, output);
                if (flow != Flow.NEXT) {
                    return flow;
                }
            }
            return Flow.NEXT;
        };
    }

    /** The same, its errors bearing a line number. */
    static Statement located(int line, Statement statement) {
        return (scope, output) -> {
            try {
                return statement.render(scope, output);
            } catch (TemplateException e) {
                throw e.at(line);
            }
        };
    }
}

package dev.spandrel.engine.tokenizer.jinja;

/** A parsed expression. Values are null, Boolean, Long, Double, String, List, Map, and this package's own few. */
@FunctionalInterface
interface Expression {
    Object evaluate(Scope scope);
}

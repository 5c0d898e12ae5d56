package dev.spandrel.engine.tokenizer.jinja;

/**
 * A variable or member that does not exist: empty when written or iterated, an error when used.
 *
 * @param name for messages
 */
record Undefined(String name) {
    TemplateException error() {
        return new TemplateException(name + " is undefined");
    }
}

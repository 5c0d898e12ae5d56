/**
 * The part of the Jinja template language that chat templates are written in, with the whitespace rules and functions
 * transformers gives them. It knows strings, numbers, lists and maps, and reaches nothing outside; time, output and depth
 * are bounded. Start reading at {@link dev.spandrel.engine.tokenizer.jinja.Template}.
 */
package dev.spandrel.engine.tokenizer.jinja;

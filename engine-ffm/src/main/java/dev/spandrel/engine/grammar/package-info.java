/**
 * Output that must have a form: regular expressions and JSON schemas become a {@link dev.spandrel.engine.grammar.Grammar} over
 * bytes, which {@link dev.spandrel.engine.grammar.GrammarConstraint} walks beside the output, token by token, to say which
 * tokens may come next. It knows the tokenizer's bytes and nothing of models. Start reading at
 * {@link dev.spandrel.engine.grammar.Grammars}.
 */
package dev.spandrel.engine.grammar;

package dev.spandrel.engine.grammar;

/** The classes that patterns name by a letter: ASCII's, as in JavaScript. */
final class RegexClasses {
    static final CodePoints DIGIT = CodePoints.of(new CodePoints.Range('0', '9'));
    static final CodePoints WORD = DIGIT.or(CodePoints.of(
            new CodePoints.Range('a', 'z'), new CodePoints.Range('A', 'Z'), new CodePoints.Range('_', '_')));
    static final CodePoints SPACE = CodePoints.of(" \t\n\r\f\u000b");

    private RegexClasses() {}
}

package dev.spandrel.engine.tokenizer;

/**
 * A token that is cut out of the text before anything else looks at it. Names and meaning are those of Hugging Face's
 * tokenizers.
 *
 * @param content its text
 * @param special left out when decoding
 * @param lstrip takes the white space before it along
 * @param rstrip takes the white space behind it along
 * @param singleWord only where no word character touches it
 * @param normalized looked for after those that are not
 */
record AddedToken(
        String content, boolean special, boolean lstrip, boolean rstrip, boolean singleWord, boolean normalized) {
    static AddedToken special(String content) {
        return new AddedToken(content, true, false, false, false, false);
    }

    static AddedToken plain(String content) {
        return new AddedToken(content, false, false, false, false, true);
    }

    AddedToken asSpecial() {
        return new AddedToken(content, true, lstrip, rstrip, singleWord, normalized);
    }
}

package dev.spandrel.engine.tokenizer;

/** What turns one word, as the split left it, into ids. Thread-safe; what a call needs it asks for with {@link #encoder}. */
interface WordModel {
    /** For one call, by one thread. */
    interface Encoder {
        void encode(String word, TokenBuffer out);
    }

    Encoder encoder();
}

package dev.spandrel.engine.tokenizer;

import dev.spandrel.engine.EngineException;

/** The beginning-of-sequence token of {@code add_bos_token}. */
final class BosToken {
    private BosToken() {}

    /**
     * What goes before a text: BOS or nothing.
     *
     * @throws EngineException.ModelLoad when BOS is asked for and no token is it
     */
    static int[] front(TokenizerConfig config, AddedTokenCollector tokens) {
        if (!config.addBosToken()) {
            return new int[0];
        }
        String text = config.text("bos_token").orElse(null);
        Integer id = text == null ? null : tokens.id(text);
        if (id == null) {
            throw new EngineException.ModelLoad(
                    config.file().toString(),
                    "add_bos_token: expected a bos_token that is in the vocabulary, found "
                            + (text == null ? "no bos_token" : text));
        }
        return new int[] {id};
    }
}

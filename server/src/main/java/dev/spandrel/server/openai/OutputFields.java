package dev.spandrel.server.openai;

/**
 * What an answer shows beside the generated text.
 *
 * @param echo whether the prompt comes first
 * @param promptOnly whether nothing of the output is shown: {@code echo} with {@code max_tokens} 0
 * @param tokenIds whether ids of prompt and output are shown
 * @param tokensAsIds whether log probabilities name tokens {@code token_id:N} instead of by their text
 */
record OutputFields(boolean echo, boolean promptOnly, boolean tokenIds, boolean tokensAsIds) {
    static OutputFields read(RequestFields fields, boolean promptOnly, AnswerDefaults defaults) {
        return new OutputFields(
                fields.bool("echo", false),
                promptOnly,
                fields.bool("return_token_ids", false),
                fields.bool("return_tokens_as_token_ids", defaults.tokensAsIds()));
    }
}

package dev.spandrel.server.openai;

import dev.spandrel.engine.PromptRules;

/** {@code truncate_prompt_tokens} and {@code truncation_side}. */
final class PromptFields {
    private PromptFields() {}

    /**
     * Reads both; the end of the prompt is kept unless the side says otherwise, as with vLLM.
     *
     * @throws OpenAiException 400, for another side than left and right
     */
    static PromptRules read(RequestFields fields) {
        String side = fields.string("truncation_side").orElse("left");
        if (!side.equals("left") && !side.equals("right")) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "truncation_side", "truncation_side must be `left` or `right`, got `" + side + "`."));
        }
        return new PromptRules(fields.integer("truncate_prompt_tokens"), side.equals("left"));
    }
}

package dev.spandrel.server.openai;

import dev.spandrel.engine.Prompt;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** A field that holds prompts in one of four shapes: a text, texts, token ids, lists of token ids. */
final class PromptInput {
    /** As in vLLM. */
    private static final int MAX_PROMPTS = 1024;

    private PromptInput() {}

    /** The prompts; what is wrong with their types is noted in the fields. */
    static List<Prompt> read(RequestFields fields, String name) {
        JsonNode prompt = fields.get(name);
        if (prompt == null) {
            fields.missing(name);
            return List.of();
        }
        boolean special = fields.bool("add_special_tokens", true);
        if (prompt.isString()) {
            return List.of(new Prompt.Text(prompt.stringValue(), special));
        }
        if (prompt.isArray() && !prompt.isEmpty() && prompt.get(0).isNumber()) {
            return tokens(fields, name, prompt);
        }
        if (!prompt.isArray()) {
            fields.problem(name, "a string, an array of strings, or an array of token ids", prompt);
            return List.of();
        }
        return list(fields, name, prompt, special);
    }

    private static List<Prompt> list(RequestFields fields, String field, JsonNode array, boolean special) {
        List<Prompt> prompts = new ArrayList<>(array.size());
        boolean text = !array.isEmpty() && array.get(0).isString();
        for (JsonNode item : array) {
            String name = field + "." + prompts.size();
            if (text && item.isString()) {
                prompts.add(new Prompt.Text(item.stringValue(), special));
            } else if (!text && item.isArray()) {
                prompts.addAll(tokens(fields, name, item));
            } else {
                fields.problem(name, text ? "a string" : "an array of token ids", item);
                return List.of();
            }
            if (prompts.isEmpty()) {
                return List.of();
            }
        }
        return prompts;
    }

    private static List<Prompt> tokens(RequestFields fields, String name, JsonNode array) {
        List<Integer> ids = new ArrayList<>(array.size());
        for (JsonNode item : array) {
            if (!item.isInt()) {
                fields.problem(name + "." + ids.size(), "a token id", item);
                return List.of();
            }
            ids.add(item.intValue());
        }
        return List.of(new Prompt.Tokens(ids));
    }

    /**
     * Refuses none, too many, empty ones and ids outside the vocabulary.
     *
     * @throws OpenAiException 400
     */
    static void check(String name, List<Prompt> prompts, ServedModel model) {
        if (prompts.isEmpty() || prompts.size() > MAX_PROMPTS) {
            throw new OpenAiException(OpenAiError.badRequest(
                    name, name + " takes between 1 and " + MAX_PROMPTS + " prompts, got " + prompts.size() + "."));
        }
        for (Prompt prompt : prompts) {
            if (prompt instanceof Prompt.Text(String text, var special) && text.isEmpty()
                    || prompt instanceof Prompt.Tokens(List<Integer> none) && none.isEmpty()) {
                throw new OpenAiException(OpenAiError.badRequest(name, "A prompt must not be empty."));
            }
            if (prompt instanceof Prompt.Tokens(List<Integer> ids)) {
                checkVocabulary(name, ids, model.info().vocabSize());
            }
        }
    }

    private static void checkVocabulary(String name, List<Integer> ids, int vocabSize) {
        for (int id : ids) {
            if (id < 0 || id >= vocabSize) {
                throw new OpenAiException(OpenAiError.badRequest(
                        name,
                        "Token id " + id + " is out of vocabulary; the model knows 0 to " + (vocabSize - 1) + "."));
            }
        }
    }
}

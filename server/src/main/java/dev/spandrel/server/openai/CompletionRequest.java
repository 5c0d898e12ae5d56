package dev.spandrel.server.openai;

import dev.spandrel.engine.LogprobRules;
import dev.spandrel.engine.OutputConstraint;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.PromptRules;
import dev.spandrel.engine.SamplingParams;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import tools.jackson.databind.JsonNode;

/** The body of {@code POST /v1/completions}: what it may hold and what that means. */
final class CompletionRequest {
    /** OpenAI's default, and vLLM's. */
    private static final int DEFAULT_MAX_TOKENS = 16;

    /** As in vLLM. */
    private static final int MAX_PROMPTS = 1024;

    private CompletionRequest() {}

    /**
     * Checks everything that can be checked without the engine.
     *
     * @throws OpenAiException naming what is wrong
     * @throws dev.spandrel.engine.EngineException.InvalidRequest when a sampling value is outside its range
     */
    static GenerationCall read(RequestFields fields, RequestIds ids, ServedModel model) {
        String name = fields.string("model").orElse(model.name());
        String id = ids.of(fields.string("request_id"));
        OptionalInt maxTokens = fields.integer("max_tokens");
        SamplingFields sampling = SamplingFields.read(fields);
        boolean echo = fields.bool("echo", false);
        boolean promptOnly = echo && maxTokens.isPresent() && maxTokens.getAsInt() == 0;
        OutputFields output = OutputFields.read(fields, promptOnly);
        LogprobRules logprobs = LogprobFields.completion(fields, echo);
        PromptRules promptRules = PromptFields.read(fields);
        Optional<OutputConstraint> constraint = ConstraintFields.read(fields);
        List<Prompt> prompts = prompts(fields);
        Scheduling scheduling = Scheduling.read(fields);
        BeamFields beams = BeamFields.read(fields);
        Streaming streaming = Streaming.read(fields);
        model.check(name);
        scheduling.check(model);
        UnsupportedFields.checkCompletion(fields);
        checkPrompts(prompts, model);
        MaxTokens.check("max_tokens", maxTokens, model.info());
        SamplingParams params = sampling.over(
                model.info().defaultSampling(),
                OptionalInt.of(promptOnly ? 1 : maxTokens.orElse(DEFAULT_MAX_TOKENS)),
                logprobs,
                constraint,
                beams);
        MaxTokens.checkChoices(prompts.size(), sampling.n(), model);
        return new GenerationCall(
                new CompletionsFormat(),
                id,
                name,
                prompts,
                output,
                params,
                promptRules,
                ToolChoice.NOTHING,
                () -> "",
                scheduling,
                sampling.n(),
                beams,
                streaming);
    }

    private static List<Prompt> prompts(RequestFields fields) {
        JsonNode prompt = fields.get("prompt");
        if (prompt == null) {
            fields.missing("prompt");
            return List.of();
        }
        boolean special = fields.bool("add_special_tokens", true);
        if (prompt.isString()) {
            return List.of(new Prompt.Text(prompt.stringValue(), special));
        }
        if (prompt.isArray() && !prompt.isEmpty() && prompt.get(0).isNumber()) {
            return tokens(fields, "prompt", prompt);
        }
        if (!prompt.isArray()) {
            fields.problem("prompt", "a string, an array of strings, or an array of token ids", prompt);
            return List.of();
        }
        return list(fields, prompt, special);
    }

    private static List<Prompt> list(RequestFields fields, JsonNode array, boolean special) {
        List<Prompt> prompts = new ArrayList<>(array.size());
        boolean text = !array.isEmpty() && array.get(0).isString();
        for (JsonNode item : array) {
            String name = "prompt." + prompts.size();
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

    private static void checkPrompts(List<Prompt> prompts, ServedModel model) {
        if (prompts.isEmpty() || prompts.size() > MAX_PROMPTS) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "prompt", "prompt takes between 1 and " + MAX_PROMPTS + " prompts, got " + prompts.size() + "."));
        }
        for (Prompt prompt : prompts) {
            if (prompt instanceof Prompt.Text(String text, var special) && text.isEmpty()
                    || prompt instanceof Prompt.Tokens(List<Integer> none) && none.isEmpty()) {
                throw new OpenAiException(OpenAiError.badRequest("prompt", "A prompt must not be empty."));
            }
            if (prompt instanceof Prompt.Tokens(List<Integer> ids)) {
                checkVocabulary(ids, model.info().vocabSize());
            }
        }
    }

    private static void checkVocabulary(List<Integer> ids, int vocabSize) {
        for (int id : ids) {
            if (id < 0 || id >= vocabSize) {
                throw new OpenAiException(OpenAiError.badRequest(
                        "prompt",
                        "Token id " + id + " is out of vocabulary; the model knows 0 to " + (vocabSize - 1) + "."));
            }
        }
    }
}

package dev.spandrel.server.openai;

import dev.spandrel.engine.LogprobRules;
import dev.spandrel.engine.OutputConstraint;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.PromptRules;
import dev.spandrel.engine.SamplingParams;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** The body of {@code POST /v1/completions}: what it may hold and what that means. */
final class CompletionRequest {
    /** OpenAI's default, and vLLM's. */
    private static final int DEFAULT_MAX_TOKENS = 16;

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
        OutputFields output = OutputFields.read(
                fields, promptOnly, model.settings().defaults().answers());
        LogprobRules logprobs = LogprobFields.completion(fields, echo, model);
        PromptRules promptRules = PromptFields.read(fields);
        Optional<OutputConstraint> constraint = ConstraintFields.read(fields);
        List<Prompt> prompts = PromptInput.read(fields, "prompt");
        Scheduling scheduling = Scheduling.read(fields);
        BeamFields beams = BeamFields.read(fields);
        Streaming streaming = Streaming.read(fields, model);
        model.check(name);
        scheduling.check(model);
        UnsupportedFields.checkCompletion(fields);
        PromptInput.check("prompt", prompts, model);
        MaxTokens.check("max_tokens", maxTokens, model.info());
        SamplingParams params = sampling.over(
                model,
                model.settings()
                        .defaults()
                        .generation()
                        .capped(OptionalInt.of(promptOnly ? 1 : maxTokens.orElse(DEFAULT_MAX_TOKENS))),
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
}

package dev.spandrel.server.openai;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.engine.ChatOptions;
import dev.spandrel.engine.Engine;
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

/** The body of {@code POST /v1/chat/completions}: what it may hold and what that means. */
final class ChatCompletionRequest {
    private ChatCompletionRequest() {}

    /**
     * Checks everything that can be checked without running the model.
     *
     * @throws OpenAiException naming what is wrong
     * @throws dev.spandrel.engine.EngineException.InvalidRequest when a sampling value is outside its range
     */
    static GenerationCall read(RequestFields fields, RequestIds ids, ServedModel model, Engine engine) {
        return read(fields, List.of(), ids, model, engine, new ChatFormat());
    }

    /**
     * The same behind an earlier conversation.
     *
     * @param before what was said already; goes behind the instructions
     */
    static GenerationCall read(
            RequestFields fields,
            List<ChatMessage> before,
            RequestIds ids,
            ServedModel model,
            Engine engine,
            ChatFormat format) {
        String name = fields.string("model").orElse(model.name());
        String id = ids.of(fields.string("request_id"));
        String maxTokensName = fields.get("max_completion_tokens") == null ? "max_tokens" : "max_completion_tokens";
        OptionalInt maxTokens = fields.integer(maxTokensName);
        SamplingFields sampling = SamplingFields.read(fields);
        AnswerDefaults answers = model.settings().defaults().answers();
        OutputFields output = OutputFields.read(fields, false, answers);
        LogprobRules logprobs = LogprobFields.chat(fields, model);
        PromptRules promptRules = PromptFields.read(fields);
        ToolChoice tools = ToolFields.read(fields, model.toolCallFamily());
        ChatOptions options = ChatOptionFields.read(
                fields,
                model.settings().defaults().chatTemplateKwargs(),
                tools.tools().stream()
                        .map(tool -> TemplateValues.of(tool.definition()))
                        .toList());
        Optional<OutputConstraint> constraint = constraint(fields, tools);
        List<ChatMessage> messages = new ArrayList<>(messages(fields));
        boolean instructed = !messages.isEmpty() && messages.getFirst().role().equals("system");
        messages.addAll(instructed && !before.isEmpty() ? 1 : 0, before);
        Scheduling scheduling = Scheduling.read(fields);
        BeamFields beams = BeamFields.read(fields);
        Streaming streaming = Streaming.read(fields, model);
        model.check(name);
        scheduling.check(model);
        UnsupportedFields.checkChat(fields);
        if (messages.isEmpty()) {
            throw new OpenAiException(OpenAiError.badRequest("messages", "messages must hold at least one message."));
        }
        MaxTokens.check(maxTokensName, maxTokens, model.info());
        Prompt prompt = new Prompt.Chat(messages, options);
        OptionalInt resolved = maxTokens.isPresent()
                ? model.settings().defaults().generation().capped(maxTokens)
                : MaxTokens.modelDefault(model, engine, prompt);
        SamplingParams params = sampling.over(model, resolved, logprobs, constraint, beams);
        if (tools.needsSpecialTokens()) {
            params = params.toBuilder().skipSpecialTokens(false).build();
        }
        MaxTokens.checkChoices(1, sampling.n(), model);
        // Who continues a message speaks as its author.
        String role = options.addGenerationPrompt()
                ? answers.responseRole()
                : messages.getLast().role();
        return new GenerationCall(
                format.withRole(role),
                id,
                name,
                List.of(prompt),
                output,
                params,
                promptRules,
                tools,
                ids::toolCall,
                scheduling,
                sampling.n(),
                beams,
                streaming);
    }

    static List<ChatMessage> messages(RequestFields fields) {
        JsonNode array = fields.get("messages");
        if (array == null) {
            fields.missing("messages");
            return List.of();
        }
        if (!array.isArray()) {
            fields.problem("messages", "an array of messages", array);
            return List.of();
        }
        List<ChatMessage> messages = new ArrayList<>(array.size());
        for (int i = 0; i < array.size(); i++) {
            String name = "messages." + i;
            if (array.get(i).isObject()) {
                messages.add(message(fields.nested(name, array.get(i))));
            } else {
                fields.problem(name, "a message object", array.get(i));
            }
        }
        return messages;
    }

    private static ChatMessage message(RequestFields message) {
        String role = message.string("role").orElse("");
        if (message.get("role") == null) {
            message.missing("role");
        }
        ChatContent content = ChatContent.read(message);
        return new ChatMessage(role, content.text(), content.parts(), ToolMessages.more(message));
    }

    private static Optional<OutputConstraint> constraint(RequestFields fields, ToolChoice tools) {
        Optional<OutputConstraint> asked = ConstraintFields.read(fields);
        Optional<OutputConstraint> calls = tools.constraint();
        if (asked.isPresent() && calls.isPresent()) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "tool_choice", "tool_choice forces calls, so no other form of output may be asked for."));
        }
        return calls.or(() -> asked);
    }
}

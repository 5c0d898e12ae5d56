package dev.spandrel.server.openai;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.Prompt;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;

/**
 * The body of {@code POST /v1/chat/completions/batch}: that of a chat, but with a list of conversations as its messages. Each
 * is answered as if it came alone, by choices in the order of the conversations.
 */
final class ChatBatchRequest {
    /** As many as prompts of a completion. */
    private static final int MAX_CONVERSATIONS = 1024;

    private ChatBatchRequest() {}

    /**
     * Checks everything that can be checked without running the model.
     *
     * @throws OpenAiException naming what is wrong, of single messages as {@code messages.CONVERSATION.MESSAGE}
     * @throws dev.spandrel.engine.EngineException.InvalidRequest when a sampling value is outside its range
     */
    static GenerationCall read(RequestFields fields, RequestIds ids, ServedModel model, Engine engine) {
        List<JsonNode> conversations = conversations(fields);
        if (fields.bool("stream", false)) {
            throw new OpenAiException(OpenAiError.badRequest("stream", "A batch of chats cannot be streamed."));
        }
        fields.check();
        List<GenerationCall> calls = new ArrayList<>(conversations.size());
        for (int i = 0; i < conversations.size(); i++) {
            try {
                calls.add(
                        ChatCompletionRequest.read(fields.with("messages", conversations.get(i)), ids, model, engine));
            } catch (OpenAiException e) {
                throw new OpenAiException(of(e.error(), i));
            }
        }
        GenerationCall first = calls.getFirst();
        MaxTokens.checkChoices(calls.size(), first.n(), model);
        List<Prompt> prompts =
                calls.stream().flatMap(call -> call.prompts().stream()).toList();
        return first.withPrompts(prompts, least(calls));
    }

    private static List<JsonNode> conversations(RequestFields fields) {
        JsonNode messages = fields.get("messages");
        if (messages == null) {
            fields.missing("messages");
            return List.of();
        }
        if (!messages.isArray() || messages.isEmpty() || !messages.valueStream().allMatch(JsonNode::isArray)) {
            fields.problem("messages", "an array of conversations, each an array of messages", messages);
            return List.of();
        }
        if (messages.size() > MAX_CONVERSATIONS) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "messages",
                    "messages takes at most " + MAX_CONVERSATIONS + " conversations, got " + messages.size() + "."));
        }
        return messages.valueStream().toList();
    }

    /** The model's own default is cut to what each prompt leaves; what is left by the longest all can have. */
    private static OptionalInt least(List<GenerationCall> calls) {
        return calls.stream()
                .map(call -> call.sampling().maxTokens())
                .flatMapToInt(most -> most.isPresent() ? IntStream.of(most.getAsInt()) : IntStream.empty())
                .min();
    }

    private static OpenAiError of(OpenAiError error, int conversation) {
        String place = Matcher.quoteReplacement("messages." + conversation);
        return new OpenAiError(
                error.status(),
                error.type(),
                error.param() == null ? null : error.param().replaceAll("\\bmessages\\b", place),
                error.message().replaceAll("\\bmessages\\b", place),
                error.retryAfterSeconds());
    }
}

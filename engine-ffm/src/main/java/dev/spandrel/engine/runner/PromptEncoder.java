package dev.spandrel.engine.runner;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.ModelInfo;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.PromptRules;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.tokenizer.ChatTemplate;
import dev.spandrel.engine.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.Optional;

/** Turns prompts into tokens the model can take: templates, bounds, truncation, and how many tokens may follow. Any thread. */
final class PromptEncoder {
    private final ModelInfo info;
    private final Tokenizer tokenizer;
    private final Optional<ChatTemplate> chatTemplate;
    private final PromptBound bound;

    PromptEncoder(ModelInfo info, Tokenizer tokenizer, Optional<ChatTemplate> chatTemplate) {
        this.info = info;
        this.tokenizer = tokenizer;
        this.chatTemplate = chatTemplate;
        bound = new PromptBound(tokenizer, info.maxModelLen());
    }

    /** See {@link Engine#tokenize}. */
    int[] tokenize(Prompt prompt) {
        return switch (prompt) {
            case Prompt.Text text -> tokenizer.encode(text.text(), text.addSpecialTokens());
            case Prompt.Tokens tokens -> inVocabulary(tokens);
            // The template usually writes its special tokens itself.
            case Prompt.Chat chat ->
                tokenizer.encode(render(chat), chat.options().addSpecialTokens());
        };
    }

    /** See {@link Engine#countTokens}. */
    int countTokens(Prompt prompt) {
        return encodeBounded(prompt).length;
    }

    private int[] encodeBounded(Prompt prompt) {
        return switch (prompt) {
            case Prompt.Text text -> encodeBounded(text.text(), text.addSpecialTokens());
            case Prompt.Tokens tokens -> inVocabulary(tokens);
            case Prompt.Chat chat -> encodeBounded(render(chat), chat.options().addSpecialTokens());
        };
    }

    private int[] encodeBounded(String text, boolean addSpecialTokens) {
        bound.check(text);
        return tokenizer.encode(text, addSpecialTokens);
    }

    private String render(Prompt.Chat chat) {
        return chatTemplate
                .orElseThrow(() -> new EngineException.InvalidRequest(
                        "messages", "The model " + info.name() + " has no chat template; use /v1/completions"))
                .render(chat.messages(), chat.options());
    }

    private int[] inVocabulary(Prompt.Tokens prompt) {
        int[] ids = prompt.ids().stream().mapToInt(Integer::intValue).toArray();
        checkVocabulary("prompt", ids);
        return ids;
    }

    /** @param parameter the request's name for the ids */
    void checkVocabulary(String parameter, int[] ids) {
        for (int id : ids) {
            if (id < 0 || id >= info.vocabSize()) {
                throw new EngineException.InvalidRequest(
                        parameter,
                        "Token id " + id + " is out of vocabulary: ids run from 0 to " + (info.vocabSize() - 1));
            }
        }
    }

    /** The prompt's tokens, cut where the request wants it. */
    int[] prompt(GenerationRequest request) {
        PromptRules rules = request.promptRules();
        if (rules.truncateTo().isEmpty()) {
            return encodeBounded(request.prompt());
        }
        int[] prompt = tokenize(request.prompt());
        int room = info.maxModelLen() - request.sampling().maxTokens().orElse(1);
        int most = rules.truncateTo().getAsInt() == -1
                ? Math.max(1, room)
                : rules.truncateTo().getAsInt();
        int length = Math.min(most, prompt.length);
        int from = rules.keepEnd() ? prompt.length - length : 0;
        return Arrays.copyOfRange(prompt, from, from + length);
    }

    /** Resolves {@code max_tokens}, or refuses with the numbers. */
    int maxTokens(int promptTokens, SamplingParams sampling) {
        int most = info.maxModelLen();
        if (promptTokens == 0) {
            throw new EngineException.InvalidRequest("prompt", "The prompt is empty; it needs at least one token");
        }
        int wanted = sampling.maxTokens().orElse(Math.max(1, most - promptTokens));
        if (wanted > most) {
            throw new EngineException.InvalidRequest(
                    "max_tokens",
                    "max_tokens " + wanted + " is larger than the model's context length of " + most
                            + " tokens. (parameter=max_tokens, value=" + wanted + ")");
        }
        if (promptTokens + wanted > most) {
            throw new EngineException.InvalidRequest(
                    "input_tokens",
                    "The model's maximum context length is " + most + " tokens, but the request asks for " + wanted
                            + " output tokens after " + promptTokens + " input tokens, "
                            + (promptTokens + wanted) + " in total. Shorten the prompt or ask for fewer tokens.");
        }
        return wanted;
    }
}

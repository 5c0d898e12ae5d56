package dev.spandrel.server.openai;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.engine.Engine;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.PromptRules;
import dev.spandrel.engine.SamplingParams;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.IntFunction;
import java.util.function.Supplier;

/**
 * One HTTP request, understood and checked: so many prompts, so many choices each.
 *
 * @param format the endpoint's way of writing answers
 * @param id of the answer, e.g. {@code cmpl-…}
 * @param model the name the client used, or the first served name
 * @param prompts at least one
 * @param output what the answer shows beside the generated text
 * @param sampling in force for every choice but for the seed
 * @param promptRules of every prompt
 * @param tools that answers may call
 * @param toolCallIds names their calls
 * @param scheduling of every choice
 * @param n choices per prompt
 * @param beams how they are found where not by sampling
 */
record GenerationCall(
        WireFormat format,
        String id,
        String model,
        List<Prompt> prompts,
        OutputFields output,
        SamplingParams sampling,
        PromptRules promptRules,
        ToolChoice tools,
        Supplier<String> toolCallIds,
        Scheduling scheduling,
        int n,
        BeamFields beams,
        Streaming streaming) {

    GenerationCall {
        prompts = List.copyOf(prompts);
    }

    /**
     * The same for other prompts.
     *
     * @param maxTokens of each of their choices; empty = the rest of the context
     */
    GenerationCall withPrompts(List<Prompt> others, OptionalInt maxTokens) {
        return new GenerationCall(
                format,
                id,
                model,
                others,
                output,
                sampling.toBuilder().maxTokens(maxTokens).build(),
                promptRules,
                tools,
                toolCallIds,
                scheduling,
                n,
                beams,
                streaming);
    }

    int choices() {
        return prompts.size() * n;
    }

    /** Which prompt a choice continues; choices are ordered prompt by prompt. */
    int promptOf(int choice) {
        return choice / n;
    }

    /**
     * The text put in front of a choice: the prompt's, or of a conversation the message to be continued.
     *
     * @param engine turns token ids to text
     */
    String echoed(int choice, Engine engine) {
        if (!output.echo()) {
            return "";
        }
        return switch (prompts.get(promptOf(choice))) {
            case Prompt.Text(String text, var special) -> text;
            case Prompt.Tokens(List<Integer> ids) -> engine.detokenize(ids, sampling.skipSpecialTokens());
            case Prompt.Chat(List<ChatMessage> messages, var options) ->
                format.announcedRole().filter(messages.getLast().role()::equals).isPresent()
                        ? messages.getLast().content()
                        : "";
        };
    }

    /** Choices that one engine request gives: a beam search finds all of a prompt. */
    int choicesPerRequest() {
        return beams.on() ? n : 1;
    }

    /**
     * The engine requests: one per choice, or per beam search.
     *
     * @param correlation of each, by its index
     */
    List<GenerationRequest> requests(long arrivalNanos, IntFunction<Object> correlation) {
        List<GenerationRequest> requests = new ArrayList<>(choices() / choicesPerRequest());
        for (int choice = 0; choice < choices(); choice += choicesPerRequest()) {
            int prompt = promptOf(choice);
            requests.add(new GenerationRequest(
                    format.requestId(id, prompt),
                    prompts.get(prompt),
                    samplingOf(choice),
                    arrivalNanos,
                    scheduling.priority(),
                    scheduling.cacheSalt(),
                    promptRules,
                    correlation.apply(choice / choicesPerRequest())));
        }
        return requests;
    }

    /** A given seed would make all n choices equal, so each adds its index, as in vLLM. */
    private SamplingParams samplingOf(int choice) {
        return n > 1 && sampling.seed().isPresent()
                ? sampling.withSeed(sampling.seed().getAsLong() + choice % n)
                : sampling;
    }
}

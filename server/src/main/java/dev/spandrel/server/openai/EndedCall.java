package dev.spandrel.server.openai;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent.Finished;
import dev.spandrel.server.http.WriteWatchdog;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.LongStream;

/**
 * Turns the choices of a call that is over into what listeners hear: one per engine request, which for a beam search is
 * all choices of a prompt together.
 */
record EndedCall(GenerationCall call, String responseModel, WriteWatchdog.Writer writer, boolean withContent) {

    List<EndedGeneration> generations(List<Choice> choices) {
        int beams = call.choicesPerRequest();
        List<EndedGeneration> ended = new ArrayList<>(choices.size() / beams);
        for (int first = 0; first < choices.size(); first += beams) {
            ended.add(ended(first / beams, choices.subList(first, first + beams)));
        }
        return ended;
    }

    private EndedGeneration ended(int index, List<Choice> choices) {
        Choice first = choices.getFirst();
        Generation generation = first.generation();
        return new EndedGeneration(
                index,
                call.format().operation(),
                generation.id(),
                call.format().responseId(call.id()),
                call.model(),
                responseModel,
                generation.sampling(),
                call.n(),
                choices.size(),
                call.streaming().on(),
                generation.promptTokens(),
                generation.cachedTokens(),
                choices.stream()
                        .mapToInt(choice -> choice.generation().completionTokens())
                        .sum(),
                generation.timings(),
                LongStream.of(generation.tokenNanos()).boxed().toList(),
                generation.phases(),
                times(choices),
                choices.stream().map(EndedCall::reason).toList(),
                tools(choices),
                choices.stream()
                        .map(Choice::finished)
                        .filter(Objects::nonNull)
                        .map(Finished::failure)
                        .filter(Objects::nonNull)
                        .map(EngineException.class::cast)
                        .findFirst(),
                withContent ? Optional.of(content(first)) : Optional.empty());
    }

    private Optional<ToolReading> tools(List<Choice> choices) {
        if (call.tools().mode() != ToolChoice.Mode.AUTO) {
            return Optional.empty();
        }
        int withCalls = (int)
                choices.stream().filter(choice -> !choice.toolCalls().isEmpty()).count();
        return Optional.of(new ToolReading(call.format().requestType(), withCalls, choices.size() - withCalls));
    }

    private AnswerTimes times(List<Choice> choices) {
        return new AnswerTimes(
                choices.getFirst().firstByteNanos(),
                choices.stream().mapToLong(Choice::lastByteNanos).max().orElseThrow(),
                writer.blockedNanos(),
                writer.blocked());
    }

    private static FinishReason reason(Choice choice) {
        return choice.finished() == null
                ? FinishReason.ABORT
                : choice.finished().reason();
    }

    private Content content(Choice choice) {
        return new Content(Content.input(call.prompts().get(call.promptOf(choice.index()))), choice.content());
    }
}

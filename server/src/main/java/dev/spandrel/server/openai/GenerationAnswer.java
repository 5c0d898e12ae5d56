package dev.spandrel.server.openai;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.GenerationEvent.Finished;
import dev.spandrel.engine.GenerationEvent.TextDelta;
import dev.spandrel.server.http.WriteWatchdog;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Turns the events of one call into its answer, plain or streamed. Used by the request's thread only; a failed choice
 * ends the whole answer, since half of an answer is none.
 */
final class GenerationAnswer implements Answer {
    private final GenerationCall call;
    private final GenerationGroup group;
    private final ResponseJson json;
    private final ServerResponse response;
    private final WriteWatchdog.Writer watched;
    private final SseWriter sse;
    private final LongSupplier nanoClock;
    private final boolean keepsContent;
    private final List<Choice> choices = new ArrayList<>();
    private OpenAiError failure;

    GenerationAnswer(
            GenerationCall call,
            Engine engine,
            GenerationGroup group,
            ResponseJson json,
            ServerResponse response,
            WriteWatchdog.Writer watched,
            LongSupplier nanoClock,
            boolean keepsContent) {
        this.call = call;
        this.group = group;
        this.json = json;
        this.response = response;
        this.watched = watched;
        this.nanoClock = nanoClock;
        this.keepsContent = keepsContent;
        this.sse = new SseWriter(response, watched);
        for (int i = 0; i < call.choices(); i++) {
            choices.add(new Choice(
                    i,
                    group.get(i),
                    call.echoed(i, engine),
                    call.output().promptOnly(),
                    call.tools().on()
                            ? new ToolCallCollector(
                                    call.tools().parser(), call.tools().parallel(), call.toolCallIds())
                            : null,
                    call.tools().mode() != ToolChoice.Mode.NAMED));
        }
    }

    @Override
    public List<Choice> choices() {
        return choices;
    }

    @Override
    public void write(Runnable beforeLast) throws InterruptedException, IOException {
        group.forEach(this::on);
        if (failure != null && !sse.started()) {
            throw new OpenAiException(failure);
        }
        if (call.streaming().on()) {
            endStream(beforeLast);
        } else {
            byte[] body = json.response(choices);
            beforeLast.run();
            response.header(HeaderNames.CONTENT_TYPE, "application/json");
            watched.write(() -> response.send(body));
            choices.forEach(choice -> choice.written(nanoClock.getAsLong()));
        }
    }

    private boolean on(int index, GenerationEvent event) throws IOException {
        Choice choice = choices.get(index);
        return switch (event) {
            case TextDelta(String text, int tokens) -> {
                choice.count(tokens);
                text(choice, text);
                yield true;
            }
            case Finished finished -> {
                choice.count(finished.tokens());
                choice.finish(finished);
                yield end(choice, finished);
            }
        };
    }

    private void text(Choice choice, String text) throws IOException {
        keep(choice, text);
        MessageDelta delta = choice.read(text, false);
        if (!call.streaming().on()) {
            choice.append(delta);
            return;
        }
        announce(choice);
        choice.hold(delta);
        // An unfinished character makes an empty piece; a client wants it only for what is said of its tokens.
        boolean tells =
                choice.holds() || call.streaming().continuousUsage() || json.tellsTokens() && choice.hasUntoldTokens();
        if (tells && choice.due(call.streaming().interval())) {
            event(choice, json.textChunk(choice, echoed(choice, choice.takeHeld())));
        }
    }

    private boolean end(Choice choice, Finished finished) throws IOException {
        if (finished.reason() == FinishReason.ERROR) {
            EngineException cause = finished.failure();
            failure = cause == null ? OpenAiError.internal() : OpenAiError.of(cause);
            return false;
        }
        keep(choice, finished.text());
        MessageDelta delta = choice.read(finished.text(), true);
        if (call.streaming().on()) {
            announce(choice);
            choice.hold(delta);
            event(choice, json.textChunk(choice, echoed(choice, choice.takeHeld())));
        } else {
            choice.append(delta);
        }
        return true;
    }

    private static MessageDelta echoed(Choice choice, MessageDelta delta) {
        String echo = choice.takeEcho();
        return echo.isEmpty()
                ? delta
                : new MessageDelta(echo + (delta.content() == null ? "" : delta.content()), delta.toolCalls());
    }

    private void announce(Choice choice) throws IOException {
        Optional<String> role = call.format().announcedRole();
        if (choice.announce() && role.isPresent()) {
            event(choice, json.roleChunk(choice, role.get()));
        }
    }

    private void event(Choice choice, byte[] data) throws IOException {
        sse.event(data);
        choice.written(nanoClock.getAsLong());
    }

    private void keep(Choice choice, String text) {
        if (keepsContent) {
            choice.keep(text);
        }
    }

    private void endStream(Runnable beforeLast) throws IOException {
        beforeLast.run();
        if (failure != null) {
            sse.event(failure.json());
        } else if (call.streaming().includeUsage()) {
            sse.event(json.usageChunk(choices));
        }
        sse.done();
        if (choices.size() == 1) {
            // What follows the choice in its stream is nobody else's.
            choices.getFirst().written(nanoClock.getAsLong());
        }
    }
}

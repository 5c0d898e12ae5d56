package dev.spandrel.server.openai;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.GenerationEvent.Finished;
import dev.spandrel.engine.GenerationEvent.TextDelta;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import tools.jackson.databind.node.ObjectNode;

/** An answer of {@code /v1/responses}, plain, streamed, or to nobody when it is made in the background. */
final class ResponsesAnswer implements Answer {
    private final GenerationCall call;
    private final GenerationGroup group;
    private final ResponseObject json;
    private final Optional<Client> client;
    private final LongSupplier nanoClock;
    private final BiConsumer<ObjectNode, Choice> store;
    private final ResponseEvents events;
    private final Choice choice;
    private OpenAiError failure;
    private int toldTokens;

    /** Whoever reads the answer. */
    record Client(ServerResponse response, dev.spandrel.server.http.WriteWatchdog.Writer writer, SseWriter sse) {
        static Client of(ServerResponse response, dev.spandrel.server.http.WriteWatchdog.Writer writer) {
            return new Client(response, writer, new SseWriter(response, writer));
        }
    }

    /**
     * @param client empty in the background
     * @param store takes the response when it is over
     */
    ResponsesAnswer(
            GenerationCall call,
            GenerationGroup group,
            ResponseObject json,
            Optional<Client> client,
            LongSupplier nanoClock,
            BiConsumer<ObjectNode, Choice> store) {
        this.call = call;
        this.group = group;
        this.json = json;
        this.client = client;
        this.nanoClock = nanoClock;
        this.store = store;
        this.events = client.map(c -> new ResponseEvents(c.sse(), json)).orElse(null);
        this.choice = new Choice(
                0,
                group.get(0),
                "",
                false,
                call.tools().on()
                        ? new ToolCallCollector(
                                call.tools().parser(), call.tools().parallel(), call.toolCallIds())
                        : null,
                false);
    }

    @Override
    public List<Choice> choices() {
        return List.of(choice);
    }

    private boolean streams() {
        return client.isPresent() && call.streaming().on();
    }

    @Override
    public void write(Runnable beforeLast) throws InterruptedException, IOException {
        if (streams()) {
            events.response("response.created", json.unfinished("in_progress"));
            events.response("response.in_progress", json.unfinished("in_progress"));
        }
        group.forEach((index, event) -> on(event));
        ObjectNode response = failure == null ? json.finished(choice) : json.failed(failure);
        store.accept(response, choice);
        if (streams()) {
            endStream(response, beforeLast);
        } else if (client.isPresent()) {
            if (failure != null) {
                throw new OpenAiException(failure);
            }
            Client reader = client.get();
            beforeLast.run();
            reader.response().header(HeaderNames.CONTENT_TYPE, "application/json");
            reader.writer().write(() -> reader.response().send(ResponseObject.bytes(response)));
        }
        choice.written(nanoClock.getAsLong());
    }

    private void endStream(ObjectNode response, Runnable beforeLast) throws IOException {
        String status = response.path("status").asString("");
        if (failure == null) {
            events.close(status, json.logprobs(choice, 0));
        }
        beforeLast.run();
        events.response(
                switch (status) {
                    case "completed" -> "response.completed";
                    case "failed" -> "response.failed";
                    default -> "response.incomplete";
                },
                response);
        client.get().sse().end();
    }

    private boolean on(GenerationEvent event) throws IOException {
        switch (event) {
            case TextDelta(String text, int tokens) -> {
                choice.count(tokens);
                add(choice.read(text, false), false);
            }
            case Finished finished -> {
                choice.count(finished.tokens());
                choice.finish(finished);
                if (finished.reason() == FinishReason.ERROR) {
                    EngineException cause = finished.failure();
                    failure = cause == null ? OpenAiError.internal() : OpenAiError.of(cause);
                    return false;
                }
                add(choice.read(finished.text(), true), true);
            }
        }
        return true;
    }

    private void add(MessageDelta delta, boolean last) throws IOException {
        choice.append(delta);
        choice.hold(delta);
        if (streams() && choice.holds() && (last || choice.due(call.streaming().interval()))) {
            events.delta(choice.takeHeld(), json.logprobs(choice, toldTokens));
            toldTokens = choice.tokens();
            choice.written(nanoClock.getAsLong());
        }
    }
}

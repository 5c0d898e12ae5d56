package dev.spandrel.server.openai;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.GenerationEvent.Finished;
import dev.spandrel.server.http.ClientConnection;
import dev.spandrel.server.http.WriteWatchdog;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.util.Optional;
import java.util.stream.LongStream;

/**
 * One generating endpoint: body to call, call to engine, events to answer. It runs on the virtual thread of the request,
 * which it blocks until the last byte. A client that leaves at any point after its body cancels its generations; a
 * client that does not read is given up after the write timeout.
 */
final class GenerationHandler implements Handler {
    private static final HeaderName REQUEST_ID = HeaderNames.create("X-Request-Id");

    private final ApiContext api;
    private final Reader reader;

    /** How an endpoint understands its body. */
    @FunctionalInterface
    interface Reader {
        GenerationCall read(RequestFields fields, RequestIds ids);
    }

    GenerationHandler(ApiContext api, Reader reader) {
        this.api = api;
        this.reader = reader;
    }

    @Override
    public void handle(ServerRequest request, ServerResponse response) {
        byte[] body = RequestReader.read(request);
        long arrivalNanos = api.nanoClock().getAsLong();
        if (api.draining().getAsBoolean()) {
            throw new OpenAiException(OpenAiError.unavailable("The server is shutting down."));
        }
        Optional<String> header = request.headers().first(REQUEST_ID);
        GenerationCall call = reader.read(RequestFields.parse(body), new RequestIds(header, api.random()));
        GenerationGroup group = GenerationGroup.submit(api.engine(), call.requests(arrivalNanos));
        answer(request, response, call, group);
    }

    private void answer(ServerRequest request, ServerResponse response, GenerationCall call, GenerationGroup group) {
        ResponseJson json =
                new ResponseJson(call, api.model(), api.clock().instant().getEpochSecond());
        try (WriteWatchdog.Writer writer = api.watchdog().writer()) {
            GenerationAnswer answer = new GenerationAnswer(call, group, json, response, writer);
            try {
                writeWatched(answer, group, writer);
            } finally {
                group.close();
                group.stopReaders();
                api.listener()
                        .onEnd(
                                request,
                                answer.choices().stream()
                                        .map(choice -> ended(call, choice))
                                        .toList());
            }
        }
    }

    private void writeWatched(GenerationAnswer answer, GenerationGroup group, WriteWatchdog.Writer writer) {
        ClientConnection.Watch watch = ClientConnection.current().watch(group::close);
        try (watch) {
            answer.write();
        } catch (InterruptedException e) {
            throw new CloseConnectionException(watch.clientGone() ? "the client left" : "the server stops", e);
        } catch (IOException | IllegalStateException | CloseConnectionException e) {
            throw gone(watch, writer, e);
        }
    }

    /** Closing the group or the socket makes whatever waits throw; those are not faults. */
    private static RuntimeException gone(ClientConnection.Watch watch, WriteWatchdog.Writer writer, Exception e) {
        if (watch.clientGone()) {
            return new CloseConnectionException("the client left", e);
        }
        if (writer.stalled() || e instanceof IOException) {
            return new CloseConnectionException("the client does not read", e);
        }
        return (RuntimeException) e;
    }

    private EndedGeneration ended(GenerationCall call, Choice choice) {
        Finished finished = choice.finished();
        Optional<EngineException> failure =
                finished == null ? Optional.empty() : Optional.ofNullable(finished.failure());
        return new EndedGeneration(
                call.format().operation(),
                choice.generation().id(),
                call.format().responseId(call.id()),
                call.model(),
                api.model().name(),
                choice.generation().sampling(),
                call.n(),
                call.streaming().on(),
                choice.generation().promptTokens(),
                choice.generation().cachedTokens(),
                choice.generation().completionTokens(),
                choice.generation().timings(),
                LongStream.of(choice.generation().tokenNanos()).boxed().toList(),
                finished == null ? FinishReason.ABORT : finished.reason(),
                failure);
    }
}

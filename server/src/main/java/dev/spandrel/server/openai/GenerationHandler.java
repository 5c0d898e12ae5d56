package dev.spandrel.server.openai;

import dev.spandrel.server.http.ClientConnection;
import dev.spandrel.server.http.WriteWatchdog;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * One generating endpoint: body to call, call to engine, events to answer. It runs on the virtual thread of the request,
 * which it blocks until the last byte. A client that leaves at any point after its body cancels its generations; a
 * client that does not read is given up after the write timeout.
 */
final class GenerationHandler implements Handler {
    private static final System.Logger LOGGER = System.getLogger(GenerationHandler.class.getName());

    private final ApiContext api;
    private final WireFormat format;
    private final Reader reader;
    private final Answers answers;
    private final Detacher detacher;
    private final UnaryOperator<RuntimeException> words;

    /** How an endpoint understands its body. */
    @FunctionalInterface
    interface Reader {
        GenerationCall read(RequestFields fields, RequestIds ids);
    }

    /** How an endpoint answers. */
    @FunctionalInterface
    interface Answers {
        Answer of(
                GenerationCall call,
                RequestFields fields,
                GenerationGroup group,
                ServerResponse response,
                WriteWatchdog.Writer writer);
    }

    /** Which calls go on without their client. */
    @FunctionalInterface
    interface Detacher {
        Optional<Detached> detach(GenerationCall call, RequestFields fields, GenerationGroup group);
    }

    /**
     * A call that goes on without its client.
     *
     * @param body what the client is told at once
     * @param answer made for nobody
     * @param after run when it is over, in whatever way
     */
    record Detached(byte[] body, Answer answer, Runnable after) {}

    /** An endpoint of completions. */
    GenerationHandler(ApiContext api, WireFormat format, Reader reader) {
        this(api, format, reader, completions(api), (_, _, _) -> Optional.empty(), UnaryOperator.identity());
    }

    /**
     * @param detacher tells calls that go on without their client
     * @param words says what was wrong in those of the endpoint's body
     */
    GenerationHandler(
            ApiContext api,
            WireFormat format,
            Reader reader,
            Answers answers,
            Detacher detacher,
            UnaryOperator<RuntimeException> words) {
        this.api = api;
        this.format = format;
        this.reader = reader;
        this.answers = answers;
        this.detacher = detacher;
        this.words = words;
    }

    private static Answers completions(ApiContext api) {
        return (call, _, group, response, writer) -> new GenerationAnswer(
                call,
                api.engine(),
                group,
                new ResponseJson(
                        call, api.engine(), api.model(), api.clock().instant().getEpochSecond()),
                response,
                writer,
                api.nanoClock(),
                api.listener().wantsContent());
    }

    @Override
    public void handle(ServerRequest request, ServerResponse response) {
        api.listener().onArrival(request);
        Intake intake = new Intake(request, format.operation(), id -> format.requestId(id, 0), api);
        GenerationCall call;
        GenerationGroup group;
        Optional<Detached> detached;
        try {
            call = read(intake, request);
            group = GenerationGroup.submit(
                    api.engine(),
                    call,
                    call.requests(intake.arrivalNanos(), index -> api.listener().correlation(request, index)));
            observe(request, call, group);
            detached = detach(call, intake.fields(), group);
        } catch (RuntimeException e) {
            RuntimeException said = words.apply(e);
            api.listener().onRefused(request, intake.refused(said));
            throw said;
        }
        if (detached.isPresent()) {
            // Before its client is told, who may end the connection and with it what the server waits for.
            api.underWay().accept(1);
            Thread.ofVirtual().name("background-answer").start(() -> goOn(request, call, group, detached.get()));
            response.header(HeaderNames.CONTENT_TYPE, "application/json");
            response.send(detached.get().body());
        } else {
            answer(request, response, call, intake.fields(), group);
        }
    }

    /** A beam search is one engine request, whose best beam speaks for it. */
    private void observe(ServerRequest request, GenerationCall call, GenerationGroup group) {
        int beams = call.choicesPerRequest();
        group.observe((index, generation, from, count) -> {
            if (index % beams == 0) {
                api.listener().onTokens(request, index / beams, generation, from, count);
            }
        });
    }

    private Optional<Detached> detach(GenerationCall call, RequestFields fields, GenerationGroup group) {
        try {
            return detacher.detach(call, fields, group);
        } catch (RuntimeException e) {
            group.close();
            throw e;
        }
    }

    private void goOn(ServerRequest request, GenerationCall call, GenerationGroup group, Detached detached) {
        try (WriteWatchdog.Writer writer = api.watchdog().writer()) {
            try {
                detached.answer().write(() -> {});
            } catch (InterruptedException | IOException | IllegalStateException e) {
                // Closed by a cancel or by the end of the server; what is stored says so.
                LOGGER.log(System.Logger.Level.DEBUG, "a background answer ended early", e);
            } finally {
                group.close();
                group.stopReaders();
                detached.after().run();
                api.listener().onEnd(request, ended(call, detached.answer(), writer));
            }
        } finally {
            api.underWay().accept(-1);
        }
    }

    private GenerationCall read(Intake intake, ServerRequest request) {
        RequestFields fields =
                Scheduling.prioritized(intake.fields(), request.headers().first(Scheduling.PRIORITY));
        GenerationCall call = reader.read(fields, intake.ids());
        intake.named(call.id());
        return call;
    }

    private void answer(
            ServerRequest request,
            ServerResponse response,
            GenerationCall call,
            RequestFields fields,
            GenerationGroup group) {
        try (WriteWatchdog.Writer writer = api.watchdog().writer()) {
            Answer answer = answers.of(call, fields, group, response, writer);
            try {
                writeWatched(answer, group, writer);
            } finally {
                group.close();
                group.stopReaders();
                api.listener().onEnd(request, ended(call, answer, writer));
            }
        }
    }

    private void writeWatched(Answer answer, GenerationGroup group, WriteWatchdog.Writer writer) {
        ClientConnection.Watch watch = ClientConnection.current().watch(group::close);
        try (watch) {
            answer.write(() -> endWatch(watch));
        } catch (InterruptedException e) {
            throw new CloseConnectionException(watch.clientGone() ? "the client left" : "the server stops", e);
        } catch (IOException | IllegalStateException | CloseConnectionException e) {
            throw gone(watch, writer, e);
        }
    }

    /**
     * A client may hang up once it has read {@code [DONE]}, or the end of a plain answer, while the thread that wrote it has
     * not run on yet; interrupted there it would report a complete answer as one whose client left.
     */
    private static void endWatch(ClientConnection.Watch watch) {
        watch.close();
        if (watch.clientGone()) {
            throw new CloseConnectionException("the client left");
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

    private List<EndedGeneration> ended(GenerationCall call, Answer answer, WriteWatchdog.Writer writer) {
        EndedCall ended =
                new EndedCall(call, api.model().name(), writer, api.listener().wantsContent());
        return ended.generations(answer.choices());
    }
}

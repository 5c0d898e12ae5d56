package dev.spandrel.server.openai;

import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.server.http.ClientConnection;
import dev.spandrel.server.http.WriteWatchdog;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * One generating endpoint: body to call, call to engine, events to answer. It runs on the virtual thread of the request,
 * which it blocks until the last byte. A client that leaves at any point after its body cancels its generations; a
 * client that does not read is given up after the write timeout.
 */
final class GenerationHandler implements Handler {
    private static final System.Logger LOGGER = System.getLogger(GenerationHandler.class.getName());
    private static final HeaderName REQUEST_ID = HeaderNames.create("X-Request-Id");

    private final ApiContext api;
    private final WireFormat format;
    private final Reader reader;
    private final Answers answers;
    private final Detacher detacher;

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
        this(api, format, reader, completions(api), (_, _, _) -> Optional.empty());
    }

    /** @param detacher tells calls that go on without their client */
    GenerationHandler(ApiContext api, WireFormat format, Reader reader, Answers answers, Detacher detacher) {
        this.api = api;
        this.format = format;
        this.reader = reader;
        this.answers = answers;
        this.detacher = detacher;
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
        Intake intake = new Intake(request);
        GenerationCall call;
        GenerationGroup group;
        Optional<Detached> detached;
        try {
            call = intake.read();
            group = GenerationGroup.submit(api.engine(), call, intake.requests(call));
            detached = detach(call, intake.fields.orElseThrow(), group);
        } catch (RuntimeException e) {
            api.listener().onRefused(request, intake.refused(e));
            throw e;
        }
        if (detached.isPresent()) {
            response.header(HeaderNames.CONTENT_TYPE, "application/json");
            response.send(detached.get().body());
            Thread.ofVirtual().name("background-answer").start(() -> goOn(request, call, group, detached.get()));
        } else {
            answer(request, response, call, intake.fields.orElseThrow(), group);
        }
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
        }
    }

    /** A request on its way in, and how far it came. */
    private final class Intake {
        private final ServerRequest request;
        private long arrivalNanos = api.nanoClock().getAsLong();
        private final RequestIds ids;
        private Optional<RequestFields> fields = Optional.empty();
        private Optional<GenerationCall> call = Optional.empty();

        Intake(ServerRequest request) {
            this.request = request;
            Optional<String> header = request.headers().first(REQUEST_ID);
            Optional<String> given = request.context().get(GivenRequestId.class).map(GivenRequestId::value);
            ids = new RequestIds(header.or(() -> given), api.random());
        }

        GenerationCall read() {
            byte[] body = RequestReader.read(request);
            arrivalNanos = api.nanoClock().getAsLong();
            if (api.draining().getAsBoolean()) {
                throw new OpenAiException(OpenAiError.unavailable("The server is shutting down."));
            }
            fields = Optional.of(RequestFields.parse(body));
            call = Optional.of(reader.read(fields.get(), ids));
            return call.get();
        }

        List<GenerationRequest> requests(GenerationCall call) {
            return call.requests(arrivalNanos, index -> api.listener().correlation(request, index));
        }

        RefusedRequest refused(RuntimeException cause) {
            return new RefusedRequest(
                    format.operation(),
                    format.requestId(
                            call.map(GenerationCall::id).orElseGet(() -> ids.ofRefused(text("request_id"))), 0),
                    text("model"),
                    arrivalNanos,
                    OpenAiError.statusOf(cause),
                    String.valueOf(cause.getMessage()));
        }

        private Optional<String> text(String field) {
            return fields.map(body -> body.get(field))
                    .filter(JsonNode::isString)
                    .map(JsonNode::stringValue);
        }
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

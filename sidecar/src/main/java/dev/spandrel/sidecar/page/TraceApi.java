package dev.spandrel.sidecar.page;

import dev.spandrel.sidecar.json.ProtobufToJson;
import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.Signal;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/** What the page asks for: older lines, one trace as OTLP/JSON, and the traces that point at one. */
final class TraceApi {
    private static final int MAX_ROWS = 200;
    private static final int MAX_LINKING = 200;

    private final TraceStore store;

    /** A large trace as JSON is several times its bytes: one at a time. */
    private final ReentrantLock converting = new ReentrantLock();

    TraceApi(TraceStore store) {
        this.store = store;
    }

    /** {@code GET /api/traces?q=&before=}: the newest lines that started before a time in milliseconds. */
    void rows(ServerRequest request, ServerResponse response) throws InvalidFilterException {
        TraceFilter filter = FilterParser.parse(request.query().first("q").orElse(""));
        String before = request.query().first("before").orElse("Infinity");
        double beforeMillis;
        try {
            beforeMillis = Double.parseDouble(before);
        } catch (NumberFormatException e) {
            PageAnswers.error(response, 400, "before: expected milliseconds since 1970, found \"" + before + "\"");
            return;
        }
        List<TraceRow> rows = store.newest(filter, MAX_ROWS, beforeMillis);
        PageAnswers.json(response, Map.of("rows", rows, "more", rows.size() == MAX_ROWS));
    }

    /** {@code GET /api/traces/ID}: the trace as an OTLP/JSON export request; {@code ?download} names it as a file. */
    void trace(ServerRequest request, ServerResponse response) {
        String id = request.path().pathParameters().get("id");
        Optional<byte[]> encoded = store.request(id);
        if (encoded.isEmpty()) {
            PageAnswers.error(response, 404, "trace " + id + " is not here; the oldest go when memory is full");
            return;
        }
        byte[] json;
        converting.lock();
        try {
            json = ProtobufToJson.convert(Signal.TRACES, encoded.get()).json();
        } catch (MalformedTelemetryException e) {
            PageAnswers.error(response, 500, "trace " + id + " cannot be written as JSON: " + e.getMessage());
            return;
        } finally {
            converting.unlock();
        }
        response.header(HeaderNames.CONTENT_TYPE, "application/json");
        response.header(HeaderNames.CACHE_CONTROL, "no-store");
        if (request.query().contains("download")) {
            // the id is of hex digits: it was found in the store
            response.header(HeaderNames.CONTENT_DISPOSITION, "attachment; filename=\"trace-" + id + ".json\"");
        }
        response.send(json);
    }

    /** {@code GET /api/traces/ID/linking}: lines of the traces with a link to this one. */
    void linking(ServerRequest request, ServerResponse response) {
        String id = request.path().pathParameters().get("id");
        PageAnswers.json(response, Map.of("rows", store.linkingTo(id, MAX_LINKING)));
    }
}

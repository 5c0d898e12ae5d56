package dev.spandrel.server.openai;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.engine.Prompt;
import dev.spandrel.server.http.WriteWatchdog;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** OpenAI's Responses API: {@code POST /v1/responses}, {@code GET /v1/responses/{id}} and its {@code cancel}. */
public final class ResponsesService implements HttpService {
    /** Where it is mounted. */
    public static final String PATH = "/v1/responses";

    private final ApiContext api;
    private final ResponseStore store;
    private final GenerationHandler handler;

    public ResponsesService(ApiContext api) {
        this.api = api;
        this.store = new ResponseStore(api.nanoClock());
        this.handler = new GenerationHandler(
                api,
                ChatFormat.responses(),
                (fields, ids) -> ResponsesRequest.read(fields, ids, api, store),
                this::answer,
                this::background,
                ResponsesWords::of);
    }

    @Override
    public void routing(HttpRules rules) {
        rules.post("/", handler);
        rules.get("/{id}", this::retrieve);
        rules.post("/{id}/cancel", this::cancel);
    }

    private Answer answer(
            GenerationCall call,
            RequestFields fields,
            GenerationGroup group,
            ServerResponse response,
            WriteWatchdog.Writer writer) {
        return new ResponsesAnswer(
                call,
                group,
                new ResponseObject(call, fields, api),
                Optional.of(ResponsesAnswer.Client.of(response, writer)),
                api.nanoClock(),
                (object, choice) -> keep(call, fields, object, choice));
    }

    private void keep(GenerationCall call, RequestFields fields, ObjectNode object, Choice choice) {
        if (fields.bool("store", true)) {
            List<ChatMessage> conversation =
                    new ArrayList<>(((Prompt.Chat) call.prompts().getFirst()).messages());
            if (fields.string("instructions").isPresent()) {
                // They hold for one answer, as with OpenAI.
                conversation.removeFirst();
            }
            conversation.add(said(choice));
            store.put(
                    object.path("id").stringValue(),
                    new ResponseStore.Stored(ResponseObject.bytes(object), conversation, null));
        }
    }

    private static ChatMessage said(Choice choice) {
        if (choice.toolCalls().isEmpty()) {
            return new ChatMessage("assistant", choice.text());
        }
        List<Object> calls = new ArrayList<>();
        for (ToolCall call : choice.toolCalls()) {
            Map<String, Object> function = new LinkedHashMap<>();
            function.put("name", call.name());
            function.put("arguments", ToolMessages.arguments(call.arguments()));
            Map<String, Object> whole = new LinkedHashMap<>();
            whole.put("id", call.id());
            whole.put("type", "function");
            whole.put("function", function);
            calls.add(whole);
        }
        Map<String, Object> more = new LinkedHashMap<>();
        more.put("tool_calls", calls);
        return new ChatMessage("assistant", choice.text(), more);
    }

    /** Answers at once and goes on alone; empty when the request does not ask for that. */
    private Optional<GenerationHandler.Detached> background(
            GenerationCall call, RequestFields fields, GenerationGroup group) {
        if (!fields.bool("background", false)) {
            return Optional.empty();
        }
        if (!fields.bool("store", true)) {
            throw new OpenAiException(OpenAiError.badRequest("background", "background needs store to be true."));
        }
        ResponseObject json = new ResponseObject(call, fields, api);
        byte[] queued = ResponseObject.bytes(json.unfinished("queued"));
        store.put(json.id(), new ResponseStore.Stored(queued, List.of(), group::close));
        ResponsesAnswer answer = new ResponsesAnswer(
                call,
                group,
                json,
                Optional.empty(),
                api.nanoClock(),
                (object, choice) -> keep(call, fields, object, choice));
        return Optional.of(new GenerationHandler.Detached(queued, answer, () -> settle(json)));
    }

    /** A run that ended without a word was cancelled. */
    private void settle(ResponseObject json) {
        store.get(json.id())
                .filter(stored -> stored.run() != null)
                .ifPresent(stored -> store.put(
                        json.id(),
                        new ResponseStore.Stored(ResponseObject.bytes(json.unfinished("cancelled")), List.of(), null)));
    }

    private void retrieve(ServerRequest request, ServerResponse response) {
        send(response, find(request).body());
    }

    private ResponseStore.Stored find(ServerRequest request) {
        String id = request.path().pathParameters().get("id");
        return store.get(id).orElseThrow(() -> new OpenAiException(OpenAiError.responseNotFound(id)));
    }

    private void cancel(ServerRequest request, ServerResponse response) {
        ResponseStore.Stored stored = find(request);
        if (stored.run() == null) {
            JsonNode json = Json.parse(stored.body());
            if (json.path("background").asBoolean(false)) {
                send(response, stored.body());
                return;
            }
            throw new OpenAiException(OpenAiError.badRequest(
                    "response_id", "Only responses that are made in the background can be cancelled."));
        }
        stored.run().run();
        String id = request.path().pathParameters().get("id");
        ObjectNode cancelled = ((ObjectNode) Json.parse(stored.body())).put("status", "cancelled");
        byte[] body = ResponseObject.bytes(cancelled);
        store.put(id, new ResponseStore.Stored(body, List.of(), null));
        send(response, body);
    }

    private static void send(ServerResponse response, byte[] body) {
        response.header(HeaderNames.CONTENT_TYPE, "application/json").send(body);
    }
}

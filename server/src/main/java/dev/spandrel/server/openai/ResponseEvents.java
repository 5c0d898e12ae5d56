package dev.spandrel.server.openai;

import java.io.IOException;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The events of a streamed response, numbered, in the order that OpenAI's clients expect. */
final class ResponseEvents {
    private final SseWriter sse;
    private final ResponseObject json;
    private final StringBuilder text = new StringBuilder();
    private int sequence;
    private int items;
    private boolean messageOpen;
    private ToolCall openCall;

    ResponseEvents(SseWriter sse, ResponseObject json) {
        this.sse = sse;
        this.json = json;
    }

    private void event(String type, ObjectNode body) throws IOException {
        ObjectNode event = json.object().put("type", type).put("sequence_number", sequence++);
        event.setAll(body);
        sse.event(type, ResponseObject.bytes(event));
    }

    /** An event about the whole response. */
    void response(String type, ObjectNode response) throws IOException {
        ObjectNode body = json.object();
        body.set("response", response);
        event(type, body);
    }

    /** Something new in the message. */
    void delta(MessageDelta delta, ArrayNode logprobs) throws IOException {
        if (delta.content() != null && !delta.content().isEmpty()) {
            openMessage();
            text.append(delta.content());
            ObjectNode body = part().put("delta", delta.content());
            body.set("logprobs", logprobs);
            event("response.output_text.delta", body);
        }
        for (ToolCall piece : delta.toolCalls()) {
            call(piece);
        }
    }

    private ObjectNode part() {
        return json.object()
                .put("item_id", json.messageId())
                .put("output_index", items - 1)
                .put("content_index", 0);
    }

    private void openMessage() throws IOException {
        if (messageOpen) {
            return;
        }
        closeCall();
        messageOpen = true;
        items++;
        ObjectNode added = json.object().put("output_index", items - 1);
        added.set("item", json.message("in_progress", List.of()));
        event("response.output_item.added", added);
        ObjectNode part = part();
        part.set("part", json.textPart("", emptyArray()));
        event("response.content_part.added", part);
    }

    private ArrayNode emptyArray() {
        return json.object().putArray("x");
    }

    private void closeMessage(String status, ArrayNode logprobs) throws IOException {
        if (!messageOpen) {
            return;
        }
        messageOpen = false;
        ObjectNode done = part().put("text", text.toString());
        done.set("logprobs", logprobs);
        event("response.output_text.done", done);
        ObjectNode part = part();
        part.set("part", json.textPart(text.toString(), logprobs));
        event("response.content_part.done", part);
        ObjectNode item = json.object().put("output_index", items - 1);
        item.set("item", json.message(status, List.of(json.textPart(text.toString(), logprobs))));
        event("response.output_item.done", item);
    }

    private void call(ToolCall piece) throws IOException {
        if (piece.id() != null) {
            closeMessage("completed", emptyArray());
            closeCall();
            items++;
            openCall = new ToolCall(piece.index(), piece.id(), piece.name(), "");
            ObjectNode added = json.object().put("output_index", items - 1);
            added.set("item", json.call(openCall, "in_progress"));
            event("response.output_item.added", added);
        }
        if (!piece.arguments().isEmpty()) {
            openCall = new ToolCall(
                    openCall.index(), openCall.id(), openCall.name(), openCall.arguments() + piece.arguments());
            event(
                    "response.function_call_arguments.delta",
                    json.object()
                            .put("item_id", ResponseObject.callItemId(openCall))
                            .put("output_index", items - 1)
                            .put("delta", piece.arguments()));
        }
    }

    private void closeCall() throws IOException {
        if (openCall == null) {
            return;
        }
        event(
                "response.function_call_arguments.done",
                json.object()
                        .put("item_id", ResponseObject.callItemId(openCall))
                        .put("output_index", items - 1)
                        .put("name", openCall.name())
                        .put("arguments", openCall.arguments()));
        ObjectNode item = json.object().put("output_index", items - 1);
        item.set("item", json.call(openCall, "completed"));
        event("response.output_item.done", item);
        openCall = null;
    }

    /** Closes what is open; a response without anything gets its empty message. */
    void close(String status, ArrayNode logprobs) throws IOException {
        if (items == 0) {
            openMessage();
        }
        closeMessage(status.equals("completed") ? "completed" : "incomplete", logprobs);
        closeCall();
    }
}

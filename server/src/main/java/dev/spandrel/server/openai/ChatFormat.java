package dev.spandrel.server.openai;

import java.util.List;
import java.util.Optional;
import tools.jackson.core.JsonGenerator;

/**
 * Answers of {@code /v1/chat/completions}, and what other endpoints have in common with them.
 *
 * @param idPrefix before the ids of answers
 * @param role of the messages in answers
 */
record ChatFormat(String idPrefix, String role) implements WireFormat {
    /** Before the ids of {@code /v1/responses}. */
    private static final String RESPONSE = "resp_";

    /** Chat completions'. */
    ChatFormat() {
        this("chatcmpl-", AnswerDefaults.NONE.responseRole());
    }

    /** Responses'. */
    static ChatFormat responses() {
        return new ChatFormat(RESPONSE, AnswerDefaults.NONE.responseRole());
    }

    ChatFormat withRole(String other) {
        return new ChatFormat(idPrefix, other);
    }

    @Override
    public String responseId(String id) {
        return idPrefix + id;
    }

    @Override
    public String requestId(String id, int prompt) {
        return responseId(id);
    }

    @Override
    public String requestType() {
        return idPrefix.equals(RESPONSE) ? "responses" : "chat_completions";
    }

    @Override
    public String operation() {
        return "chat";
    }

    @Override
    public String object() {
        return "chat.completion";
    }

    @Override
    public String chunkObject() {
        return "chat.completion.chunk";
    }

    @Override
    public Optional<String> announcedRole() {
        return Optional.of(role);
    }

    @Override
    public boolean tellsPromptPerChoice() {
        return false;
    }

    @Override
    public void writeText(JsonGenerator out, Choice choice) {
        out.writeObjectPropertyStart("message");
        out.writeStringProperty("role", role);
        // OpenAI leaves the content of a message that is only calls null.
        boolean silent = !choice.toolCalls().isEmpty() && choice.text().isEmpty();
        Json.nullable(out, "content", silent ? null : choice.text());
        for (String absent : new String[] {"refusal", "annotations", "audio", "function_call", "reasoning"}) {
            out.writeNullProperty(absent);
        }
        if (!choice.toolCalls().isEmpty()) {
            writeToolCalls(out, choice.toolCalls(), false);
        }
        out.writeEndObject();
    }

    @Override
    public void writeDelta(JsonGenerator out, MessageDelta delta) {
        out.writeObjectPropertyStart("delta");
        if (delta.content() != null) {
            out.writeStringProperty("content", delta.content());
        }
        if (!delta.toolCalls().isEmpty()) {
            writeToolCalls(out, delta.toolCalls(), true);
        }
        out.writeEndObject();
    }

    /** @param pieces whether they are pieces of a stream, which count the calls */
    private static void writeToolCalls(JsonGenerator out, List<ToolCall> calls, boolean pieces) {
        out.writeArrayPropertyStart("tool_calls");
        for (ToolCall call : calls) {
            out.writeStartObject();
            if (pieces) {
                out.writeNumberProperty("index", call.index());
            }
            if (call.id() != null) {
                out.writeStringProperty("id", call.id());
                out.writeStringProperty("type", "function");
            }
            out.writeObjectPropertyStart("function");
            if (call.name() != null) {
                out.writeStringProperty("name", call.name());
            }
            out.writeStringProperty("arguments", call.arguments());
            out.writeEndObject();
            out.writeEndObject();
        }
        out.writeEndArray();
    }

    @Override
    public int writeLogprobs(JsonGenerator out, LogprobsJson json, TokenSpan span, int offset) {
        json.chat(out, span);
        return offset;
    }
}

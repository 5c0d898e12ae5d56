package dev.spandrel.server.openai;

import tools.jackson.core.JsonGenerator;

/** Answers of {@code /v1/chat/completions}. */
record ChatFormat() implements WireFormat {
    @Override
    public String responseId(String id) {
        return "chatcmpl-" + id;
    }

    @Override
    public String requestId(String id, int prompt) {
        return responseId(id);
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
    public boolean announcesRole() {
        return true;
    }

    @Override
    public boolean tellsPromptPerChoice() {
        return false;
    }

    @Override
    public void writeText(JsonGenerator out, Choice choice) {
        out.writeObjectPropertyStart("message");
        out.writeStringProperty("role", "assistant");
        out.writeStringProperty("content", choice.text());
        for (String absent : new String[] {"refusal", "annotations", "audio", "function_call", "reasoning"}) {
            out.writeNullProperty(absent);
        }
        out.writeEndObject();
    }

    @Override
    public void writeDelta(JsonGenerator out, String text) {
        out.writeObjectPropertyStart("delta");
        out.writeStringProperty("content", text);
        out.writeEndObject();
    }

    @Override
    public int writeLogprobs(JsonGenerator out, LogprobsJson json, TokenSpan span, int offset) {
        json.chat(out, span);
        return offset;
    }
}

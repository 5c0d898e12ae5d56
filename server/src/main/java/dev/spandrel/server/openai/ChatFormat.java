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
    public void writeText(JsonGenerator out, String text) {
        out.writeObjectPropertyStart("message");
        out.writeStringProperty("role", "assistant");
        out.writeStringProperty("content", text);
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
    public void writeChoiceNulls(JsonGenerator out) {
        out.writeNullProperty("token_ids");
    }

    @Override
    public void writeNulls(JsonGenerator out) {
        out.writeNullProperty("prompt_logprobs");
        out.writeNullProperty("prompt_token_ids");
        out.writeNullProperty("kv_transfer_params");
    }
}

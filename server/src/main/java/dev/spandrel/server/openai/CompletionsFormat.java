package dev.spandrel.server.openai;

import tools.jackson.core.JsonGenerator;

/** Answers of {@code /v1/completions}. */
record CompletionsFormat() implements WireFormat {
    @Override
    public String responseId(String id) {
        return "cmpl-" + id;
    }

    @Override
    public String requestId(String id, int prompt) {
        return responseId(id) + "-" + prompt;
    }

    @Override
    public String operation() {
        return "text_completion";
    }

    @Override
    public String object() {
        return "text_completion";
    }

    @Override
    public String chunkObject() {
        return "text_completion";
    }

    @Override
    public boolean announcesRole() {
        return false;
    }

    @Override
    public void writeText(JsonGenerator out, String text) {
        out.writeStringProperty("text", text);
    }

    @Override
    public void writeDelta(JsonGenerator out, String text) {
        out.writeStringProperty("text", text);
    }

    @Override
    public void writeChoiceNulls(JsonGenerator out) {
        out.writeNullProperty("token_ids");
        out.writeNullProperty("prompt_logprobs");
        out.writeNullProperty("prompt_token_ids");
    }

    @Override
    public void writeNulls(JsonGenerator out) {
        out.writeNullProperty("kv_transfer_params");
    }
}

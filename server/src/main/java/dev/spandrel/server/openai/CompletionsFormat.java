package dev.spandrel.server.openai;

import java.util.Optional;
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
    public String requestType() {
        return "other";
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
    public Optional<String> announcedRole() {
        return Optional.empty();
    }

    @Override
    public boolean tellsPromptPerChoice() {
        return true;
    }

    @Override
    public void writeText(JsonGenerator out, Choice choice) {
        out.writeStringProperty("text", choice.text());
    }

    @Override
    public void writeDelta(JsonGenerator out, MessageDelta delta) {
        out.writeStringProperty("text", delta.content());
    }

    @Override
    public int writeLogprobs(JsonGenerator out, LogprobsJson json, TokenSpan span, int offset) {
        return json.completion(out, span, offset);
    }
}

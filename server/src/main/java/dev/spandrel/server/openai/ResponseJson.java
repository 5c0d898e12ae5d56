package dev.spandrel.server.openai;

import java.util.List;
import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;

/** Writes whole answers and chunks of one call; whole answers show null fields, chunks only what is set. */
final class ResponseJson {
    private final GenerationCall call;
    private final ServedModel model;
    private final long created;

    ResponseJson(GenerationCall call, ServedModel model, long createdSeconds) {
        this.call = call;
        this.model = model;
        this.created = createdSeconds;
    }

    /** The body of a plain answer. */
    byte[] response(List<Choice> choices) {
        return Json.bytes(out -> {
            envelope(out, call.format().object());
            out.writeArrayPropertyStart("choices");
            choices.forEach(choice -> choice(out, choice));
            out.writeEndArray();
            out.writeNullProperty("service_tier");
            out.writeStringProperty("system_fingerprint", model.fingerprint());
            usage(out, promptTokens(choices), completionTokens(choices), cachedTokens(choices), true);
            call.format().writeNulls(out);
            out.writeEndObject();
        });
    }

    private void choice(JsonGenerator out, Choice choice) {
        out.writeStartObject();
        out.writeNumberProperty("index", choice.index());
        call.format().writeText(out, choice.text());
        end(out, choice);
        call.format().writeChoiceNulls(out);
        out.writeEndObject();
    }

    /** A chunk that only says who speaks. */
    byte[] roleChunk(Choice choice) {
        return chunk(choice, out -> {
            out.writeObjectPropertyStart("delta");
            out.writeStringProperty("role", "assistant");
            out.writeStringProperty("content", "");
            out.writeEndObject();
            out.writeNullProperty("logprobs");
            out.writeNullProperty("finish_reason");
        });
    }

    /** A chunk with a piece of text; the last one of a choice says why it ended. */
    byte[] textChunk(Choice choice, String text) {
        return chunk(choice, out -> {
            call.format().writeDelta(out, text);
            end(out, choice);
        });
    }

    private static void end(JsonGenerator out, Choice choice) {
        out.writeNullProperty("logprobs");
        Json.nullable(out, "finish_reason", choice.finishReason());
        Json.nullable(out, "stop_reason", choice.stopReason());
    }

    private byte[] chunk(Choice choice, Consumer<JsonGenerator> content) {
        return Json.bytes(out -> {
            envelope(out, call.format().chunkObject());
            out.writeArrayPropertyStart("choices");
            out.writeStartObject();
            out.writeNumberProperty("index", choice.index());
            content.accept(out);
            out.writeEndObject();
            out.writeEndArray();
            if (call.streaming().continuousUsage()) {
                usage(
                        out,
                        choice.generation().promptTokens(),
                        choice.tokens(),
                        choice.generation().cachedTokens(),
                        false);
            }
            out.writeEndObject();
        });
    }

    /** The chunk after all choices that holds nothing but the usage. */
    byte[] usageChunk(List<Choice> choices) {
        return Json.bytes(out -> {
            envelope(out, call.format().chunkObject());
            out.writeArrayPropertyStart("choices");
            out.writeEndArray();
            usage(out, promptTokens(choices), completionTokens(choices), cachedTokens(choices), false);
            out.writeEndObject();
        });
    }

    private void envelope(JsonGenerator out, String object) {
        out.writeStartObject();
        out.writeStringProperty("id", call.format().responseId(call.id()));
        out.writeStringProperty("object", object);
        out.writeNumberProperty("created", created);
        out.writeStringProperty("model", model.name());
    }

    private void usage(JsonGenerator out, long prompt, long completion, long cached, boolean nulls) {
        out.writeObjectPropertyStart("usage");
        out.writeNumberProperty("prompt_tokens", prompt);
        out.writeNumberProperty("total_tokens", prompt + completion);
        out.writeNumberProperty("completion_tokens", completion);
        if (model.promptTokensDetails()) {
            out.writeObjectPropertyStart("prompt_tokens_details");
            out.writeNumberProperty("cached_tokens", cached);
            out.writeEndObject();
        } else if (nulls) {
            out.writeNullProperty("prompt_tokens_details");
        }
        out.writeEndObject();
    }

    /** Each prompt counts once, however many choices continue it. */
    private long promptTokens(List<Choice> choices) {
        return choices.stream()
                .filter(choice -> choice.index() % call.n() == 0)
                .mapToLong(choice -> choice.generation().promptTokens())
                .sum();
    }

    private long cachedTokens(List<Choice> choices) {
        return choices.stream()
                .filter(choice -> choice.index() % call.n() == 0)
                .mapToLong(choice -> choice.generation().cachedTokens())
                .sum();
    }

    private static long completionTokens(List<Choice> choices) {
        return choices.stream().mapToLong(Choice::tokens).sum();
    }
}

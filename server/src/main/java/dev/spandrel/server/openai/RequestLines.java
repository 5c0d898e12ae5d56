package dev.spandrel.server.openai;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.SamplingParams;
import io.helidon.webserver.http.ServerRequest;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;

/**
 * The lines of the request log, each a JSON object and a line break.
 *
 * @param settings how much of texts is told
 * @param wall what time it is
 */
record RequestLines(RequestLog.Settings settings, InstantSource wall) {
    /** Most characters of what a refused client said, be it in a message about it. */
    private static final int QUOTED = 512;

    /** Of a generation that is over. */
    byte[] line(ServerRequest request, EndedGeneration generation) {
        return line(
                request,
                generation.requestId(),
                generation.operation(),
                Optional.ofNullable(generation.requestModel()),
                json -> {
                    json.writeBooleanProperty("stream", generation.streamed());
                    generation.content().ifPresent(content -> input(json, content.input()));
                    json.writeName("params");
                    params(json, generation.sampling(), generation.choices());
                    json.writeNumberProperty("prompt_tokens", generation.promptTokens());
                    json.writeNumberProperty("completion_tokens", generation.completionTokens());
                    reason(json, generation.reason());
                    if (settings.outputs()) {
                        generation
                                .content()
                                .ifPresent(content ->
                                        json.writeStringProperty("output", cut(content.output(), settings.limit())));
                    }
                });
    }

    /** Of an embedding that is over; the vector is no text. */
    byte[] line(ServerRequest request, EndedEmbedding embedding) {
        return line(
                request,
                embedding.requestId(),
                EndedEmbedding.OPERATION,
                Optional.ofNullable(embedding.requestModel()),
                json -> {
                    input(json, embedding.input());
                    json.writeNumberProperty("prompt_tokens", embedding.promptTokens());
                    json.writeNumberProperty("dimensions", embedding.dimensions());
                    reason(json, embedding.reason());
                });
    }

    /** Of a request that was refused; its body may be anything, so it is not repeated. */
    byte[] line(ServerRequest request, RefusedRequest refused) {
        Optional<String> model = refused.requestModel().map(name -> cut(name, QUOTED));
        return line(request, refused.requestId(), refused.operation(), model, json -> {
            if (refused.status().isPresent()) {
                json.writeNumberProperty("status", refused.status().get());
            } else {
                json.writeNullProperty("status");
            }
            json.writeStringProperty("error", cut(refused.message(), QUOTED));
        });
    }

    /** How many lines found no room. */
    static byte[] dropped(long count) {
        return ended(json -> json.writeNumberProperty("dropped_lines", count));
    }

    private byte[] line(
            ServerRequest request,
            String requestId,
            String operation,
            Optional<String> model,
            Consumer<JsonGenerator> more) {
        return ended(json -> {
            json.writeStringProperty(
                    "time", wall.instant().truncatedTo(ChronoUnit.MICROS).toString());
            json.writeStringProperty("request_id", requestId);
            request.context()
                    .get(SessionId.class)
                    .ifPresent(session -> json.writeStringProperty("session_id", session.value()));
            json.writeStringProperty("operation", operation);
            Json.nullable(json, "model", model.orElse(null));
            more.accept(json);
        });
    }

    private static byte[] ended(Consumer<JsonGenerator> fields) {
        byte[] json = Json.bytes(out -> {
            out.writeStartObject();
            fields.accept(out);
            out.writeEndObject();
        });
        byte[] line = Arrays.copyOf(json, json.length + 1);
        line[json.length] = '\n';
        return line;
    }

    private static void reason(JsonGenerator json, FinishReason reason) {
        json.writeStringProperty("finish_reason", reason.name().toLowerCase(Locale.ROOT));
    }

    private void input(JsonGenerator json, List<ChatMessage> messages) {
        int left = settings.limit();
        json.writeArrayPropertyStart("messages");
        for (ChatMessage message : messages) {
            String text = cut(message.content(), left);
            left -= text.length();
            json.writeStartObject();
            json.writeStringProperty("role", message.role());
            json.writeStringProperty("content", text);
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void params(JsonGenerator json, SamplingParams sampling, int n) {
        json.writeStartObject();
        json.writeNumberProperty("n", n);
        if (sampling.maxTokens().isPresent()) {
            json.writeNumberProperty("max_tokens", sampling.maxTokens().getAsInt());
        } else {
            json.writeNullProperty("max_tokens");
        }
        json.writeNumberProperty("temperature", sampling.temperature());
        json.writeNumberProperty("top_p", sampling.topP());
        json.writeNumberProperty("top_k", sampling.topK());
        json.writeNumberProperty("min_p", sampling.minP());
        if (sampling.seed().isPresent()) {
            json.writeNumberProperty("seed", sampling.seed().getAsLong());
        } else {
            json.writeNullProperty("seed");
        }
        json.writeEndObject();
    }

    /** No half of a character that takes two. */
    private static String cut(String text, int limit) {
        if (text.length() <= limit) {
            return text;
        }
        boolean half = limit > 0 && Character.isHighSurrogate(text.charAt(limit - 1));
        return text.substring(0, half ? limit - 1 : limit);
    }
}

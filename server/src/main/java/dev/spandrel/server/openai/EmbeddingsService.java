package dev.spandrel.server.openai;

import dev.spandrel.engine.EmbeddingRequest;
import dev.spandrel.engine.PendingEmbedding;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.PromptRules;
import dev.spandrel.server.http.ClientConnection;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import tools.jackson.core.JsonGenerator;

/** {@code POST /v1/embeddings}: the pooled hidden states of a decoder, which was not trained for it but knows its words. */
public final class EmbeddingsService implements HttpService {
    /** Where it is mounted. */
    public static final String PATH = "/v1/embeddings";

    private final ApiContext api;

    public EmbeddingsService(ApiContext api) {
        this.api = api;
    }

    @Override
    public void routing(HttpRules rules) {
        rules.post("/", this::embed);
    }

    /** What a body asks for. */
    private record Wish(
            String id,
            List<Prompt> prompts,
            PromptRules rules,
            boolean base64,
            OptionalInt dimensions,
            boolean normalized) {}

    private void embed(ServerRequest request, ServerResponse response) {
        byte[] body = RequestReader.read(request);
        long arrivalNanos = api.nanoClock().getAsLong();
        if (api.draining().getAsBoolean()) {
            throw new OpenAiException(OpenAiError.unavailable("The server is shutting down."));
        }
        Wish wish = read(RequestFields.parse(body));
        List<PendingEmbedding> pending = new ArrayList<>(wish.prompts().size());
        try {
            for (Prompt prompt : wish.prompts()) {
                pending.add(api.engine()
                        .embed(new EmbeddingRequest(
                                wish.id(),
                                prompt,
                                wish.rules(),
                                api.model().pooling(),
                                wish.normalized(),
                                arrivalNanos)));
            }
            List<float[]> vectors = await(pending);
            checkDimensions(wish, vectors.getFirst().length);
            response.header(HeaderNames.CONTENT_TYPE, "application/json");
            response.send(json(wish, vectors, pending));
        } finally {
            pending.forEach(PendingEmbedding::close);
        }
    }

    private Wish read(RequestFields fields) {
        String name = fields.string("model").orElse(api.model().name());
        String id = new RequestIds(Optional.empty(), api.random()).of(fields.string("request_id"));
        List<Prompt> prompts = PromptInput.read(fields, "input");
        PromptRules rules = PromptFields.read(fields);
        String format = fields.string("encoding_format").orElse("float");
        OptionalInt dimensions = fields.integer("dimensions");
        boolean normalized = fields.bool("normalize", true);
        fields.check();
        api.model().check(name);
        PromptInput.check("input", prompts, api.model());
        if (!format.equals("float") && !format.equals("base64")) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "encoding_format", "encoding_format must be `float` or `base64`, got `" + format + "`."));
        }
        return new Wish("embd-" + id, prompts, rules, format.equals("base64"), dimensions, normalized);
    }

    /** A model that was not trained for shorter vectors has none. */
    private static void checkDimensions(Wish wish, int size) {
        if (wish.dimensions().isPresent() && wish.dimensions().getAsInt() != size) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "dimensions",
                    "This model's embeddings have " + size + " dimensions and cannot be shortened, got "
                            + wish.dimensions().getAsInt() + "."));
        }
    }

    private static List<float[]> await(List<PendingEmbedding> pending) {
        ClientConnection.Watch watch = ClientConnection.current().watch(() -> pending.forEach(PendingEmbedding::close));
        try (watch) {
            List<float[]> vectors = new ArrayList<>(pending.size());
            for (PendingEmbedding embedding : pending) {
                vectors.add(embedding
                        .await()
                        .orElseThrow(() -> watch.clientGone()
                                ? new CloseConnectionException("the client left")
                                : new OpenAiException(OpenAiError.unavailable("The engine is shutting down."))));
            }
            return vectors;
        } catch (InterruptedException e) {
            throw new CloseConnectionException(watch.clientGone() ? "the client left" : "the server stops", e);
        }
    }

    private byte[] json(Wish wish, List<float[]> vectors, List<PendingEmbedding> pending) {
        return Json.bytes(out -> {
            out.writeStartObject();
            out.writeStringProperty("id", wish.id());
            out.writeStringProperty("object", "list");
            out.writeNumberProperty("created", api.clock().instant().getEpochSecond());
            out.writeStringProperty("model", api.model().name());
            out.writeArrayPropertyStart("data");
            for (int i = 0; i < vectors.size(); i++) {
                out.writeStartObject();
                out.writeNumberProperty("index", i);
                out.writeStringProperty("object", "embedding");
                vector(out, vectors.get(i), wish.base64());
                out.writeEndObject();
            }
            out.writeEndArray();
            int tokens =
                    pending.stream().mapToInt(PendingEmbedding::promptTokens).sum();
            out.writeObjectPropertyStart("usage");
            out.writeNumberProperty("prompt_tokens", tokens);
            out.writeNumberProperty("total_tokens", tokens);
            out.writeNumberProperty("completion_tokens", 0);
            out.writeNullProperty("prompt_tokens_details");
            out.writeEndObject();
            out.writeEndObject();
        });
    }

    private static void vector(JsonGenerator out, float[] vector, boolean base64) {
        if (base64) {
            ByteBuffer bytes = ByteBuffer.allocate(4 * vector.length).order(ByteOrder.LITTLE_ENDIAN);
            bytes.asFloatBuffer().put(vector);
            out.writeStringProperty("embedding", Base64.getEncoder().encodeToString(bytes.array()));
            return;
        }
        out.writeArrayPropertyStart("embedding");
        for (float value : vector) {
            out.writeNumber(value);
        }
        out.writeEndArray();
    }
}

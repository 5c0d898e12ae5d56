package dev.spandrel.server.openai;

import dev.spandrel.engine.EmbeddingRequest;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.PendingEmbedding;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.PromptRules;
import dev.spandrel.engine.RequestTimings;
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

    private static final String PREFIX = "embd-";

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
            String model,
            List<Prompt> prompts,
            PromptRules rules,
            boolean base64,
            OptionalInt dimensions,
            boolean normalized) {}

    /** Answers a request, wherever it came in. */
    void embed(ServerRequest request, ServerResponse response) {
        api.listener().onArrival(request);
        Intake intake = new Intake(request, EndedEmbedding.OPERATION, id -> PREFIX + id + "-0", api);
        Wish wish;
        List<PendingEmbedding> pending = new ArrayList<>();
        try {
            wish = read(intake.fields(), intake.ids());
            submit(request, wish, intake.arrivalNanos(), pending);
        } catch (RuntimeException e) {
            pending.forEach(PendingEmbedding::close);
            api.listener().onRefused(request, intake.refused(e));
            throw e;
        }
        Outcome outcome = new Outcome();
        try {
            List<float[]> vectors = await(pending);
            outcome.dimensions = vectors.getFirst().length;
            checkDimensions(wish, outcome.dimensions);
            response.header(HeaderNames.CONTENT_TYPE, "application/json");
            response.send(json(wish, vectors, pending));
            outcome.lastByteNanos = api.nanoClock().getAsLong();
        } catch (EngineException e) {
            outcome.failure = Optional.of(e);
            throw e;
        } catch (OpenAiException e) {
            outcome.refusal = Optional.of(e);
            throw e;
        } finally {
            pending.forEach(PendingEmbedding::close);
            outcome.refusal.ifPresentOrElse(
                    e -> api.listener().onRefused(request, intake.refused(e)),
                    () -> api.listener().onEmbedded(request, ended(wish, pending, outcome)));
        }
    }

    /** What became of a request. */
    private static final class Outcome {
        private int dimensions;
        private long lastByteNanos = RequestTimings.NOT_REACHED;
        private Optional<EngineException> failure = Optional.empty();
        /** What the vectors themselves showed to be wrong with the request. */
        private Optional<OpenAiException> refusal = Optional.empty();

        FinishReason reason() {
            return dimensions > 0 ? FinishReason.STOP : failure.isPresent() ? FinishReason.ERROR : FinishReason.ABORT;
        }
    }

    private void submit(ServerRequest request, Wish wish, long arrivalNanos, List<PendingEmbedding> pending) {
        for (Prompt prompt : wish.prompts()) {
            pending.add(api.engine()
                    .embed(new EmbeddingRequest(
                            wish.id(),
                            prompt,
                            wish.rules(),
                            api.model().settings().pooling(),
                            wish.normalized(),
                            arrivalNanos,
                            api.listener().correlation(request, pending.size()))));
        }
    }

    private List<EndedEmbedding> ended(Wish wish, List<PendingEmbedding> pending, Outcome outcome) {
        List<EndedEmbedding> ended = new ArrayList<>(pending.size());
        for (PendingEmbedding embedding : pending) {
            ended.add(new EndedEmbedding(
                    ended.size(),
                    wish.id() + "-" + ended.size(),
                    wish.id(),
                    wish.model(),
                    api.model().name(),
                    api.listener().wantsContent() ? Content.input(wish.prompts().get(ended.size())) : List.of(),
                    embedding.promptTokens(),
                    outcome.dimensions,
                    wish.base64() ? "base64" : "float",
                    embedding.timings(),
                    embedding.phases(),
                    outcome.reason(),
                    outcome.failure,
                    outcome.lastByteNanos));
        }
        return ended;
    }

    private Wish read(RequestFields fields, RequestIds ids) {
        String name = fields.string("model").orElse(api.model().name());
        String id = ids.of(fields.string("request_id"));
        List<Prompt> prompts = PromptInput.read(fields, "input");
        PromptRules rules = PromptFields.read(fields);
        String format = fields.string("encoding_format").orElse("float");
        OptionalInt dimensions = fields.integer("dimensions");
        // The newer name is vLLM's, which pools for other ends too.
        boolean normalized = fields.bool("normalize", fields.bool("use_activation", true));
        fields.check();
        UnsupportedFields.checkEmbedding(fields);
        api.model().check(name);
        PromptInput.check("input", prompts, api.model());
        if (!format.equals("float") && !format.equals("base64")) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "encoding_format", "encoding_format must be `float` or `base64`, got `" + format + "`."));
        }
        return new Wish(PREFIX + id, name, prompts, rules, format.equals("base64"), dimensions, normalized);
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

package dev.spandrel.server.openai;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.RequestTimings;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import tools.jackson.core.JsonGenerator;

/** Writes whole answers and chunks of one call; whole answers show null fields, chunks only what is set. */
final class ResponseJson {
    private final GenerationCall call;
    private final ServedModel model;
    private final long created;
    private final LogprobsJson logprobsJson;

    ResponseJson(GenerationCall call, Engine engine, ServedModel model, long createdSeconds) {
        this.call = call;
        this.logprobsJson =
                new LogprobsJson(new TokenNames(engine, call.output().tokensAsIds()));
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
            Json.nullable(out, "system_fingerprint", model.fingerprint().orElse(null));
            usage(out, promptTokens(choices), completionTokens(choices), cachedTokens(choices), true);
            if (!call.format().tellsPromptPerChoice()) {
                prompt(out, choices.getFirst());
            }
            out.writeNullProperty("kv_transfer_params");
            if (model.settings().perRequestMetrics()) {
                metrics(out, choices);
            }
            out.writeEndObject();
        });
    }

    /** Latencies of the only choice there is; null where there are several, as with vLLM. */
    private static void metrics(JsonGenerator out, List<Choice> choices) {
        if (choices.size() != 1) {
            out.writeNullProperty("metrics");
            return;
        }
        RequestTimings timings = choices.getFirst().generation().timings();
        int tokens = choices.getFirst().generation().completionTokens();
        double generation = RequestTimings.seconds(timings.firstTokenNanos(), timings.lastTokenNanos());
        double computing = RequestTimings.seconds(timings.firstScheduledNanos(), timings.lastTokenNanos());
        out.writeObjectPropertyStart("metrics");
        out.writeNumberProperty(
                "time_to_first_token_ms",
                1e3 * RequestTimings.seconds(timings.arrivalNanos(), timings.firstTokenNanos()));
        out.writeNumberProperty("generation_time_ms", 1e3 * generation);
        out.writeNumberProperty(
                "queue_time_ms", 1e3 * RequestTimings.seconds(timings.queuedNanos(), timings.firstScheduledNanos()));
        if (tokens > 1) {
            out.writeNumberProperty("mean_itl_ms", 1e3 * generation / (tokens - 1));
        } else {
            out.writeNullProperty("mean_itl_ms");
        }
        if (computing > 0) {
            out.writeNumberProperty("tokens_per_second", tokens / computing);
        } else {
            out.writeNullProperty("tokens_per_second");
        }
        out.writeEndObject();
    }

    private void choice(JsonGenerator out, Choice choice) {
        out.writeStartObject();
        out.writeNumberProperty("index", choice.index());
        call.format().writeText(out, choice);
        TokenSpan span = choice.takeTokens();
        logprobs(out, choice, span);
        end(out, choice);
        tokenIds(out, "token_ids", call.output().tokenIds() ? span.ids() : null);
        if (call.format().tellsPromptPerChoice()) {
            prompt(out, choice);
        }
        out.writeEndObject();
    }

    /** What is told of a prompt: its log probabilities and ids, each null where not asked for. */
    private void prompt(JsonGenerator out, Choice choice) {
        if (call.sampling().logprobs().prompt().isPresent()) {
            logprobsJson.prompt(out, choice.generation().promptLogprobs());
        } else {
            out.writeNullProperty("prompt_logprobs");
        }
        tokenIds(out, "prompt_token_ids", call.output().tokenIds() ? promptIds(choice) : null);
    }

    private static List<Integer> promptIds(Choice choice) {
        return IntStream.of(choice.generation().promptTokenIds()).boxed().toList();
    }

    private static void tokenIds(JsonGenerator out, String name, List<Integer> ids) {
        if (ids == null) {
            out.writeNullProperty(name);
            return;
        }
        out.writeArrayPropertyStart(name);
        ids.forEach(out::writeNumber);
        out.writeEndArray();
    }

    private void logprobs(JsonGenerator out, Choice choice, TokenSpan span) {
        if (!call.sampling().logprobs().ofOutput()) {
            out.writeNullProperty("logprobs");
            return;
        }
        TokenSpan told = new TokenSpan(
                span.generation(),
                span.prompt() && call.output().echo() && call.format().tellsPromptPerChoice(),
                span.from(),
                span.to());
        choice.logprobOffset(call.format().writeLogprobs(out, logprobsJson, told, choice.logprobOffset()));
    }

    /** Whether chunks tell of single tokens, even where their text is not certain yet. */
    boolean tellsTokens() {
        return call.sampling().logprobs().ofOutput() || call.output().tokenIds();
    }

    /** A chunk that only says who speaks. */
    byte[] roleChunk(Choice choice, String role) {
        return chunk(choice, out -> {
            out.writeObjectPropertyStart("delta");
            out.writeStringProperty("role", role);
            out.writeStringProperty("content", "");
            out.writeEndObject();
            out.writeNullProperty("logprobs");
            out.writeNullProperty("finish_reason");
        });
    }

    /** A chunk with a piece of the message; the last one of a choice says why it ended. */
    byte[] textChunk(Choice choice, MessageDelta delta) {
        return chunk(choice, out -> {
            call.format().writeDelta(out, delta);
            TokenSpan span = choice.takeTokens();
            logprobs(out, choice, span);
            end(out, choice);
            if (call.output().tokenIds()) {
                tokenIds(out, "token_ids", span.ids());
                if (span.prompt()) {
                    tokenIds(out, "prompt_token_ids", promptIds(choice));
                }
            }
        });
    }

    private static void end(JsonGenerator out, Choice choice) {
        Json.nullable(out, "finish_reason", choice.finishReason());
        switch (choice.stopReason()) {
            case Integer token -> out.writeNumberProperty("stop_reason", token);
            case String text -> out.writeStringProperty("stop_reason", text);
            case null, default -> out.writeNullProperty("stop_reason");
        }
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
        if (model.settings().promptTokensDetails()) {
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

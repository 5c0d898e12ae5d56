package dev.spandrel.server.openai;

import dev.spandrel.engine.TokenLogprobs;
import dev.spandrel.engine.TokenLogprobs.Entry;
import dev.spandrel.engine.TokenText;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JsonGenerator;

/** Writes log probabilities in their three shapes: those of completions, of chat, and vLLM's of prompts. */
final class LogprobsJson {
    private final TokenNames names;

    LogprobsJson(TokenNames names) {
        this.names = names;
    }

    /**
     * {@code text_offset}, {@code token_logprobs}, {@code tokens}, {@code top_logprobs}.
     *
     * @param offset characters of the choice's text before the span
     * @return characters of the text up to its end
     */
    int completion(JsonGenerator out, TokenSpan span, int offset) {
        List<TokenLogprobs> entries = span.logprobs();
        List<String> tokens = entries.stream()
                .map(entry -> names.name(
                        entry == null ? span.firstToken() : entry.chosen().token()))
                .toList();
        out.writeObjectPropertyStart("logprobs");
        out.writeArrayPropertyStart("text_offset");
        int end = offset;
        for (String token : tokens) {
            out.writeNumber(end);
            end += token.length();
        }
        out.writeEndArray();
        out.writeArrayPropertyStart("token_logprobs");
        entries.forEach(entry -> {
            if (entry == null) {
                out.writeNull();
            } else {
                out.writeNumber(TokenNames.logprob(entry.chosen()));
            }
        });
        out.writeEndArray();
        out.writeArrayPropertyStart("tokens");
        tokens.forEach(out::writeString);
        out.writeEndArray();
        out.writeArrayPropertyStart("top_logprobs");
        entries.forEach(entry -> top(out, entry));
        out.writeEndArray();
        out.writeEndObject();
        return end;
    }

    /** The chosen token and the likeliest; tokens of equal text are one key, the likelier one's. */
    private void top(JsonGenerator out, TokenLogprobs entry) {
        if (entry == null) {
            out.writeNull();
            return;
        }
        Map<String, Double> all = new LinkedHashMap<>();
        all.put(names.name(entry.chosen().token()), TokenNames.logprob(entry.chosen()));
        entry.top().forEach(top -> all.putIfAbsent(names.name(top.token()), TokenNames.logprob(top)));
        out.writeStartObject();
        all.forEach(out::writeNumberProperty);
        out.writeEndObject();
    }

    /** {@code content}: token, log probability, bytes and the likeliest, which OpenAI lists without the chosen one. */
    void chat(JsonGenerator out, TokenSpan span) {
        out.writeObjectPropertyStart("logprobs");
        out.writeArrayPropertyStart("content");
        for (TokenLogprobs entry : span.logprobs()) {
            out.writeStartObject();
            token(out, entry.chosen());
            out.writeArrayPropertyStart("top_logprobs");
            entry.top().forEach(top -> {
                out.writeStartObject();
                token(out, top);
                out.writeEndObject();
            });
            out.writeEndArray();
            out.writeEndObject();
        }
        out.writeEndArray();
        out.writeEndObject();
    }

    private void token(JsonGenerator out, Entry entry) {
        TokenText text = names.text(entry.token());
        out.writeStringProperty("token", names.name(entry.token()));
        out.writeNumberProperty("logprob", TokenNames.logprob(entry));
        out.writeArrayPropertyStart("bytes");
        for (byte b : text.bytes()) {
            out.writeNumber(b & 0xff);
        }
        out.writeEndArray();
    }

    /** vLLM's {@code prompt_logprobs}: null for the first token, then a map from id to log probability, rank and text. */
    void prompt(JsonGenerator out, List<TokenLogprobs> entries) {
        out.writeArrayPropertyStart("prompt_logprobs");
        out.writeNull();
        for (TokenLogprobs entry : entries) {
            Map<Integer, Entry> all = new LinkedHashMap<>();
            all.put(entry.chosen().token(), entry.chosen());
            entry.top().forEach(top -> all.putIfAbsent(top.token(), top));
            out.writeStartObject();
            all.values().forEach(token -> {
                out.writeObjectPropertyStart(Integer.toString(token.token()));
                out.writeNumberProperty("logprob", TokenNames.logprob(token));
                out.writeNumberProperty("rank", token.rank());
                out.writeStringProperty(
                        "decoded_token", names.text(token.token()).text());
                out.writeEndObject();
            });
            out.writeEndObject();
        }
        out.writeEndArray();
    }
}

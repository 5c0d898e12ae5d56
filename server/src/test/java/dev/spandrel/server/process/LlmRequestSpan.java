package dev.spandrel.server.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.opentelemetry.proto.trace.v1.Span.SpanKind;
import io.opentelemetry.proto.trace.v1.Status.StatusCode;
import java.util.List;

/** Checks of {@code llm_request} against the attributes vLLM sets: key, type, and how the values hang together. */
record LlmRequestSpan(ReceivedSpan span) {
    private static final String LATENCY = "gen_ai.latency.";

    /** A sum of three differences of one clock, rounded to doubles. */
    private static final double ROUNDING = 1e-6;

    /** Everything that holds for every finished request, whatever was asked. */
    void isComplete(String service) {
        assertThat(span.kind()).isEqualTo(SpanKind.SPAN_KIND_SERVER);
        assertThat(span.service()).isEqualTo(service);
        assertThat(span.span().getStatus().getCode()).isEqualTo(StatusCode.STATUS_CODE_UNSET);
        assertThat(span.attributes())
                .containsEntry("gen_ai.request.n", 1L)
                .containsEntry("gen_ai.response.model", "spandrel-tiny")
                .doesNotContainKey("error.type");
        latenciesHangTogether();
        String id = text("gen_ai.request.id");
        assertThat(id).startsWith("cmpl-").isEqualTo(text("gen_ai.response.id") + "-0");
        assertThat(number("gen_ai.usage.input_tokens")).isEqualTo(number("gen_ai.usage.prompt_tokens"));
        assertThat(number("gen_ai.usage.output_tokens")).isEqualTo(number("gen_ai.usage.completion_tokens"));
    }

    private void latenciesHangTogether() {
        double queue = latency("time_in_queue");
        double prefill = latency("time_in_model_prefill");
        double decode = latency("time_in_model_decode");
        double inference = latency("time_in_model_inference");
        double firstToken = latency("time_to_first_token");
        double all = latency("e2e");
        assertThat(prefill + decode).isCloseTo(inference, within(ROUNDING));
        assertThat(firstToken).isGreaterThanOrEqualTo(queue + prefill - ROUNDING);
        assertThat(all).isGreaterThanOrEqualTo(firstToken + decode - ROUNDING);
        // The span ends with the last byte, a little after the last output.
        assertThat(all).isLessThanOrEqualTo(span.seconds() + ROUNDING);
        assertThat(prefill).isPositive();
        assertThat(decode).isPositive();
        assertThat(all).isLessThan(Await.LIMIT.toSeconds());
    }

    void counts(long promptTokens, long completionTokens) {
        assertThat(number("gen_ai.usage.prompt_tokens")).isEqualTo(promptTokens);
        assertThat(number("gen_ai.usage.completion_tokens")).isEqualTo(completionTokens);
    }

    /** A temperature of 0 is not written, as in vLLM. */
    void asked(long maxTokens, double temperature, double topP) {
        assertThat(span.attributes())
                .containsEntry("gen_ai.request.max_tokens", maxTokens)
                .containsEntry("gen_ai.request.top_p", topP);
        if (temperature == 0) {
            assertThat(span.attributes()).doesNotContainKey("gen_ai.request.temperature");
        } else {
            assertThat(span.attributes()).containsEntry("gen_ai.request.temperature", temperature);
        }
    }

    void wasAborted() {
        assertThat(span.attributes())
                .containsEntry("gen_ai.response.finish_reasons", List.of("abort"))
                .containsEntry("error.type", "cancelled");
    }

    String text(String key) {
        assertThat(span.attributes().get(key)).as(key).isInstanceOf(String.class);
        return (String) span.attributes().get(key);
    }

    long number(String key) {
        assertThat(span.attributes().get(key)).as(key).isInstanceOf(Long.class);
        return (Long) span.attributes().get(key);
    }

    private double latency(String key) {
        Object value = span.attributes().get(LATENCY + key);
        assertThat(value).as(key).isInstanceOf(Double.class);
        assertThat((Double) value).as(key).isNotNegative().isFinite();
        return (Double) value;
    }
}

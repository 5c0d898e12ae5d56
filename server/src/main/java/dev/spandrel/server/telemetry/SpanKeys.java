package dev.spandrel.server.telemetry;

import io.opentelemetry.api.common.AttributeKey;
import java.util.List;

/**
 * Every attribute key of this server's own spans but the HTTP ones, which are {@link HttpSpans}'s. What each value is, by
 * which formula: docs/traces.md.
 */
final class SpanKeys {
    // vLLM: vllm/tracing/utils.py (SpanAttributes). The last five are set by its older engine only, and backends show
    // them.
    static final AttributeKey<Double> TIME_TO_FIRST_TOKEN =
            AttributeKey.doubleKey("gen_ai.latency.time_to_first_token");
    static final AttributeKey<Double> E2E = AttributeKey.doubleKey("gen_ai.latency.e2e");
    static final AttributeKey<Double> TIME_IN_QUEUE = AttributeKey.doubleKey("gen_ai.latency.time_in_queue");
    static final AttributeKey<Double> TIME_IN_PREFILL = AttributeKey.doubleKey("gen_ai.latency.time_in_model_prefill");
    static final AttributeKey<Double> TIME_IN_DECODE = AttributeKey.doubleKey("gen_ai.latency.time_in_model_decode");
    static final AttributeKey<Double> TIME_IN_INFERENCE =
            AttributeKey.doubleKey("gen_ai.latency.time_in_model_inference");
    static final AttributeKey<Long> PROMPT_TOKENS = AttributeKey.longKey("gen_ai.usage.prompt_tokens");
    static final AttributeKey<Long> COMPLETION_TOKENS = AttributeKey.longKey("gen_ai.usage.completion_tokens");
    static final AttributeKey<String> REQUEST_ID = AttributeKey.stringKey("gen_ai.request.id");
    static final AttributeKey<Long> N = AttributeKey.longKey("gen_ai.request.n");
    static final AttributeKey<Long> NUM_SEQUENCES = AttributeKey.longKey("gen_ai.usage.num_sequences");
    static final AttributeKey<Double> TIME_IN_SCHEDULER = AttributeKey.doubleKey("gen_ai.latency.time_in_scheduler");
    static final AttributeKey<Double> TIME_IN_FORWARD = AttributeKey.doubleKey("gen_ai.latency.time_in_model_forward");
    static final AttributeKey<Double> TIME_IN_EXECUTE = AttributeKey.doubleKey("gen_ai.latency.time_in_model_execute");

    // In both: vLLM's page above, and
    // https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-spans.md
    static final AttributeKey<Double> TOP_P = AttributeKey.doubleKey("gen_ai.request.top_p");
    static final AttributeKey<Long> MAX_TOKENS = AttributeKey.longKey("gen_ai.request.max_tokens");
    static final AttributeKey<Double> TEMPERATURE = AttributeKey.doubleKey("gen_ai.request.temperature");
    static final AttributeKey<String> RESPONSE_MODEL = AttributeKey.stringKey("gen_ai.response.model");

    // The same page, v1.42.0-dev; the Java constants are deprecated since the conventions moved to their own
    // repository.
    static final AttributeKey<String> OPERATION = AttributeKey.stringKey("gen_ai.operation.name");
    static final AttributeKey<String> PROVIDER = AttributeKey.stringKey("gen_ai.provider.name");
    static final AttributeKey<String> REQUEST_MODEL = AttributeKey.stringKey("gen_ai.request.model");
    static final AttributeKey<String> CONVERSATION = AttributeKey.stringKey("gen_ai.conversation.id");
    static final AttributeKey<Long> CHOICE_COUNT = AttributeKey.longKey("gen_ai.request.choice.count");
    static final AttributeKey<Long> SEED = AttributeKey.longKey("gen_ai.request.seed");
    static final AttributeKey<Long> TOP_K = AttributeKey.longKey("gen_ai.request.top_k");
    static final AttributeKey<Double> FREQUENCY_PENALTY = AttributeKey.doubleKey("gen_ai.request.frequency_penalty");
    static final AttributeKey<Double> PRESENCE_PENALTY = AttributeKey.doubleKey("gen_ai.request.presence_penalty");
    static final AttributeKey<Boolean> STREAM = AttributeKey.booleanKey("gen_ai.request.stream");
    static final AttributeKey<List<String>> STOP_SEQUENCES =
            AttributeKey.stringArrayKey("gen_ai.request.stop_sequences");
    static final AttributeKey<Long> INPUT_TOKENS = AttributeKey.longKey("gen_ai.usage.input_tokens");
    static final AttributeKey<Long> OUTPUT_TOKENS = AttributeKey.longKey("gen_ai.usage.output_tokens");
    static final AttributeKey<Long> CACHED_TOKENS = AttributeKey.longKey("gen_ai.usage.cache_read.input_tokens");
    static final AttributeKey<String> RESPONSE_ID = AttributeKey.stringKey("gen_ai.response.id");
    static final AttributeKey<List<String>> FINISH_REASONS =
            AttributeKey.stringArrayKey("gen_ai.response.finish_reasons");
    static final AttributeKey<Double> TIME_TO_FIRST_CHUNK =
            AttributeKey.doubleKey("gen_ai.response.time_to_first_chunk");
    static final AttributeKey<Long> EMBEDDING_DIMENSIONS = AttributeKey.longKey("gen_ai.embeddings.dimension.count");
    static final AttributeKey<List<String>> ENCODING_FORMATS =
            AttributeKey.stringArrayKey("gen_ai.request.encoding_formats");
    static final AttributeKey<String> OUTPUT_TYPE = AttributeKey.stringKey("gen_ai.output.type");
    static final AttributeKey<String> INPUT_MESSAGES = AttributeKey.stringKey("gen_ai.input.messages");
    static final AttributeKey<String> OUTPUT_MESSAGES = AttributeKey.stringKey("gen_ai.output.messages");

    // https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/ and …/attributes/server/
    static final AttributeKey<String> ERROR_TYPE = AttributeKey.stringKey("error.type");
    static final AttributeKey<String> ERROR_MESSAGE = AttributeKey.stringKey("error.message");
    static final AttributeKey<String> SERVER_ADDRESS = AttributeKey.stringKey("server.address");
    static final AttributeKey<Long> SERVER_PORT = AttributeKey.longKey("server.port");

    // Ours, for what no page has a name.
    static final AttributeKey<Double> REPETITION_PENALTY =
            AttributeKey.doubleKey("spandrel.request.repetition_penalty");
    static final AttributeKey<Double> MIN_P = AttributeKey.doubleKey("spandrel.request.min_p");
    static final AttributeKey<Long> MIN_TOKENS = AttributeKey.longKey("spandrel.request.min_tokens");
    static final AttributeKey<Double> CLIENT_BLOCKED = AttributeKey.doubleKey("spandrel.client.blocked_time");
    static final AttributeKey<Long> PREEMPTIONS = AttributeKey.longKey("spandrel.preemptions");
    static final AttributeKey<Double> TOKENIZE_TIME = AttributeKey.doubleKey("spandrel.tokenize.time");
    static final AttributeKey<Long> TOKENS = AttributeKey.longKey("spandrel.tokens");
    static final AttributeKey<Long> TOKENS_CACHED = AttributeKey.longKey("spandrel.tokens.cached");
    static final AttributeKey<Long> CHUNKS = AttributeKey.longKey("spandrel.prefill.chunks");
    static final AttributeKey<Long> TOKEN_INDEX = AttributeKey.longKey("spandrel.token.index");
    static final AttributeKey<Double> INTER_TOKEN = AttributeKey.doubleKey("spandrel.inter_token_latency.mean");
    static final AttributeKey<Double> INTER_TOKEN_MAX = AttributeKey.doubleKey("spandrel.inter_token_latency.max");
    static final AttributeKey<Boolean> TRUNCATED = AttributeKey.booleanKey("spandrel.phases.truncated");
    static final AttributeKey<Long> STEP = AttributeKey.longKey("spandrel.step.index");
    static final AttributeKey<Long> STEP_SEQUENCES = AttributeKey.longKey("spandrel.step.sequences");
    static final AttributeKey<Long> STEP_PROMPT_TOKENS = AttributeKey.longKey("spandrel.step.prompt_tokens");
    static final AttributeKey<Long> STEP_GENERATED_TOKENS = AttributeKey.longKey("spandrel.step.generated_tokens");
    static final AttributeKey<Long> STEP_PREEMPTED = AttributeKey.longKey("spandrel.step.preempted");
    static final AttributeKey<Long> BLOCKS_USED = AttributeKey.longKey("spandrel.kv_cache.blocks.used");
    static final AttributeKey<Long> BLOCKS_TOTAL = AttributeKey.longKey("spandrel.kv_cache.blocks.total");
    static final AttributeKey<String> VERB = AttributeKey.stringKey("spandrel.verb");
    static final AttributeKey<Double> DEVICE_TIME = AttributeKey.doubleKey("spandrel.device_time");
    static final AttributeKey<Double> CPU_TIME = AttributeKey.doubleKey("spandrel.cpu_time");
    static final AttributeKey<Long> CALLS_LEFT_OUT = AttributeKey.longKey("spandrel.step.calls_left_out");

    private SpanKeys() {}
}

package dev.spandrel.server;

import dev.spandrel.engine.Pooling;
import dev.spandrel.server.openai.AnswerDefaults;
import dev.spandrel.server.openai.ApiSettings;
import dev.spandrel.server.openai.Fingerprint;
import dev.spandrel.server.openai.GenerationOverride;
import dev.spandrel.server.openai.RequestDefaults;
import dev.spandrel.server.openai.tools.ToolCallFamily;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The flags of {@code serve} that say what the API offers. */
final class ApiOptions {
    private static final String MAX_N = "VLLM_MAX_N_SEQUENCES";

    @Option(
            names = "--served-model-name",
            arity = "1..*",
            split = ",",
            paramLabel = "NAME",
            description = "Names clients may use; the first is used in answers. Default: the model's folder name.")
    private List<String> servedModelNames = new ArrayList<>();

    @Option(names = "--enable-prompt-tokens-details", description = "Tell of cached prompt tokens in usage.")
    private boolean promptTokensDetails;

    @Option(
            names = "--pooling-type",
            defaultValue = "LAST",
            paramLabel = "NAME",
            description = "How hidden states become embeddings: LAST (token) or MEAN. Default: ${DEFAULT-VALUE}.")
    private Pooling pooling;

    @Option(
            names = "--tool-call-parser",
            paramLabel = "NAME",
            converter = ToolCallParserName.class,
            description = "How the model writes tool calls: hermes, llama3_json, mistral or pythonic."
                    + " Default: as its chat template shows.")
    private ToolCallFamily toolCallFamily;

    @Option(
            names = "--enable-auto-tool-choice",
            description = "As in vLLM, only with --tool-call-parser; tool_choice auto needs no flag here.")
    private boolean autoToolChoice;

    @Option(
            names = "--enable-request-id-headers",
            description = "Answer with an X-Request-Id, the client's or a new one.")
    private boolean requestIdHeaders;

    @Option(
            names = "--max-logprobs",
            defaultValue = "" + ApiSettings.DEFAULT_MAX_LOGPROBS,
            paramLabel = "N",
            description = "Most log probabilities per token a request may ask for; -1 = the whole vocabulary. Default:"
                    + " ${DEFAULT-VALUE}.")
    private int maxLogprobs;

    @Option(
            names = "--response-role",
            defaultValue = "assistant",
            paramLabel = "NAME",
            description = "Role of messages in answers of chats. Default: ${DEFAULT-VALUE}.")
    private String responseRole;

    @Option(
            names = "--return-tokens-as-token-ids",
            description = "Log probabilities name tokens token_id:N, where the request does not say.")
    private boolean tokensAsIds;

    @Option(
            names = "--stream-interval",
            defaultValue = "1",
            paramLabel = "N",
            description = "Tokens from one chunk of a stream to the next, the first is sent at once; more save time at"
                    + " many streams. Default: ${DEFAULT-VALUE}.")
    private int streamInterval;

    @Option(
            names = "--enable-force-include-usage",
            description = "Streams tell of their usage, running and final, whether asked or not.")
    private boolean forceIncludeUsage;

    @Option(
            names = "--enable-per-request-metrics",
            description = "Plain answers with one choice tell of their latencies (metrics).")
    private boolean perRequestMetrics;

    @Option(
            names = "--enable-tokenizer-info-endpoint",
            description = "GET /tokenizer_info tells of the tokenizer's configuration and the chat template.")
    private boolean tokenizerInfo;

    @Option(
            names = "--fingerprint-mode",
            defaultValue = "full",
            paramLabel = "NAME",
            converter = FingerprintModeName.class,
            description = "What system_fingerprint tells: full (version, parallelism, hash of model and numbers), hash"
                    + " (without the parallelism, of which there is none), custom or none. Default: ${DEFAULT-VALUE}.")
    private Fingerprint.Mode fingerprintMode;

    @Option(
            names = "--fingerprint-value",
            paramLabel = "TEXT",
            description = "The system_fingerprint of --fingerprint-mode custom.")
    private String fingerprintValue;

    @Option(
            names = "--default-chat-template-kwargs",
            paramLabel = "JSON",
            converter = TemplateKwargsJson.class,
            description = "Variables of the chat template, e.g. '{\"enable_thinking\": false}'; a request's own"
                    + " chat_template_kwargs go before them.")
    private TemplateKwargs chatTemplateKwargs = new TemplateKwargs(Map.of());

    @Option(
            names = "--override-generation-config",
            paramLabel = "JSON",
            converter = GenerationOverrideJson.class,
            description = "Values over generation_config.json, e.g. '{\"temperature\": 0.5}':"
                    + " defaults of requests; max_new_tokens is their limit too.")
    private GenerationOverride generation = GenerationOverride.NONE;

    /**
     * The flags, checked.
     *
     * @param environment of the process
     * @throws IllegalArgumentException naming the flag or variable, what was found and what is allowed
     */
    ApiSettings settings(UnaryOperator<String> environment) {
        if (autoToolChoice && toolCallFamily == null) {
            throw new IllegalArgumentException("--enable-auto-tool-choice needs --tool-call-parser, one of "
                    + ToolCallFamily.names() + "; without both flags the parser follows the chat template");
        }
        return new ApiSettings(
                servedModelNames,
                promptTokensDetails,
                maxLogprobs,
                pooling,
                Optional.ofNullable(toolCallFamily),
                requestIdHeaders,
                forceIncludeUsage,
                perRequestMetrics,
                tokenizerInfo,
                new Fingerprint(fingerprintMode, Optional.ofNullable(fingerprintValue)),
                new RequestDefaults(
                        chatTemplateKwargs.variables(),
                        generation,
                        maxN(environment),
                        new AnswerDefaults(responseRole, tokensAsIds, streamInterval)));
    }

    private static int maxN(UnaryOperator<String> environment) {
        String text = environment.apply(MAX_N);
        if (text == null || text.isBlank()) {
            return RequestDefaults.DEFAULT_MAX_N;
        }
        try {
            return Integer.parseInt(text.strip());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(MAX_N + " must be a whole number, found \"" + text + "\"", e);
        }
    }

    /** Not a bare map, whose entries picocli would want one by one. */
    record TemplateKwargs(Map<String, Object> variables) {}

    /** A JSON object of template variables. */
    static final class TemplateKwargsJson implements ITypeConverter<TemplateKwargs> {
        @Override
        public TemplateKwargs convert(String text) {
            try {
                return new TemplateKwargs(RequestDefaults.templateKwargs(text));
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    /** A JSON object in the words of {@code generation_config.json}. */
    static final class GenerationOverrideJson implements ITypeConverter<GenerationOverride> {
        @Override
        public GenerationOverride convert(String text) {
            try {
                return GenerationOverride.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    /** A mode's name as vLLM knows it. */
    static final class FingerprintModeName implements ITypeConverter<Fingerprint.Mode> {
        @Override
        public Fingerprint.Mode convert(String text) {
            return Stream.of(Fingerprint.Mode.values())
                    .filter(mode -> mode.name().toLowerCase(Locale.ROOT).equals(text))
                    .findFirst()
                    .orElseThrow(() ->
                            new TypeConversionException("expected full, hash, custom or none, found \"" + text + "\""));
        }
    }

    /** A parser's name as vLLM knows it. */
    static final class ToolCallParserName implements ITypeConverter<ToolCallFamily> {
        @Override
        public ToolCallFamily convert(String text) {
            return ToolCallFamily.named(text)
                    .orElseThrow(() -> new TypeConversionException(
                            "expected one of " + ToolCallFamily.names() + ", found \"" + text + "\""));
        }
    }
}

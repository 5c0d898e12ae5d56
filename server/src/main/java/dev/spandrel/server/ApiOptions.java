package dev.spandrel.server;

import dev.spandrel.engine.Pooling;
import dev.spandrel.server.openai.ApiSettings;
import dev.spandrel.server.openai.tools.ToolCallFamily;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The flags of {@code serve} that say what the API offers. */
final class ApiOptions {
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
            description = "Accepted for vLLM's sake; tool_choice auto needs no flag here.")
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

    /**
     * The flags, checked.
     *
     * @throws IllegalArgumentException naming the flag, what was found and what is allowed
     */
    ApiSettings settings() {
        return new ApiSettings(
                servedModelNames,
                promptTokensDetails,
                maxLogprobs,
                pooling,
                Optional.ofNullable(toolCallFamily),
                requestIdHeaders,
                forceIncludeUsage,
                perRequestMetrics,
                tokenizerInfo);
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

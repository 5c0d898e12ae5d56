package dev.spandrel.server.openai.tools;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** The ways in which models write tool calls, under vLLM's names for their parsers. */
public enum ToolCallFamily {
    /** {@code <tool_call>{"name": …, "arguments": …}</tool_call>}: Hermes, Qwen, SmolLM3 and others. */
    HERMES(false, TaggedToolCalls::new),
    /** The answer is {@code {"name": …, "parameters": …}}, several joined by semicolons: Llama 3. */
    LLAMA3_JSON(true, PlainToolCalls::new),
    /** {@code [TOOL_CALLS][{"name": …, "arguments": …}]}, or name and arguments bare: Mistral. */
    MISTRAL(true, MistralToolCalls::new),
    /** The answer is {@code [name(argument=value, …), …]}: Llama 3.2 and 4, ToolACE. */
    PYTHONIC(false, PythonicToolCalls::new);

    private final boolean marksAreSpecialTokens;
    private final Supplier<ToolCallParser> parsers;

    ToolCallFamily(boolean marksAreSpecialTokens, Supplier<ToolCallParser> parsers) {
        this.marksAreSpecialTokens = marksAreSpecialTokens;
        this.parsers = parsers;
    }

    /** Whether the text must hold special tokens for calls to be seen. */
    public boolean marksAreSpecialTokens() {
        return marksAreSpecialTokens;
    }

    /** A parser for one answer. */
    public ToolCallParser parser() {
        return parsers.get();
    }

    /** The name on the command line. */
    public String flag() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** By name on the command line. */
    public static Optional<ToolCallFamily> named(String flag) {
        return Arrays.stream(values())
                .filter(family -> family.flag().equals(flag))
                .findFirst();
    }

    /** All names, for messages. */
    public static String names() {
        return Arrays.stream(values()).map(ToolCallFamily::flag).collect(Collectors.joining(", "));
    }

    /** The family whose marks a chat template writes or asks for; empty where it shows none. */
    public static Optional<ToolCallFamily> of(String template) {
        if (template.contains("<tool_call>")) {
            return Optional.of(HERMES);
        }
        if (template.contains("[TOOL_CALLS]")) {
            return Optional.of(MISTRAL);
        }
        if (template.contains("[func_name1(")) {
            return Optional.of(PYTHONIC);
        }
        // What Llama 3's template tells the model to write.
        return template.contains("\"parameters\": dictionary of") || template.contains("<|python_tag|>")
                ? Optional.of(LLAMA3_JSON)
                : Optional.empty();
    }
}

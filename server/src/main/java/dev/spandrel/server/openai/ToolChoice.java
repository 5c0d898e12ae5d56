package dev.spandrel.server.openai;

import dev.spandrel.engine.OutputConstraint;
import dev.spandrel.server.openai.tools.ListedToolCalls;
import dev.spandrel.server.openai.tools.NamedToolCall;
import dev.spandrel.server.openai.tools.ToolCallFamily;
import dev.spandrel.server.openai.tools.ToolCallParser;
import java.util.List;
import java.util.Optional;

/**
 * The tools of a request and what the model may do with them.
 *
 * @param tools in the request's order; may be empty
 * @param mode how free the model is
 * @param name of the tool for {@link Mode#NAMED}, else null
 * @param parallel whether there may be several calls
 * @param family how the model writes calls of its own accord, for {@link Mode#AUTO}, else null
 */
record ToolChoice(List<Tool> tools, Mode mode, String name, boolean parallel, ToolCallFamily family) {
    /** How free the model is. */
    enum Mode {
        /** No calls. */
        NONE,
        /** As it likes, in its own way of writing. */
        AUTO,
        /** At least one call, held to it by a constraint. */
        REQUIRED,
        /** One call of one tool, held to it by a constraint. */
        NAMED
    }

    /** No tools. */
    static final ToolChoice NOTHING = new ToolChoice(List.of(), Mode.NONE, null, true, null);

    ToolChoice {
        tools = List.copyOf(tools);
    }

    /** Whether answers may hold calls. */
    boolean on() {
        return mode != Mode.NONE;
    }

    /** Reads the calls of one answer. */
    ToolCallParser parser() {
        return switch (mode) {
            case AUTO -> family.parser();
            case NAMED -> new NamedToolCall(name);
            case REQUIRED -> new ListedToolCalls();
            case NONE -> throw new IllegalStateException("no tools, no calls");
        };
    }

    /** The form that makes an answer a call, where it has to be one. */
    Optional<OutputConstraint> constraint() {
        return switch (mode) {
            case NAMED ->
                tools.stream()
                        .filter(tool -> tool.name().equals(name))
                        .findFirst()
                        .map(tool -> ToolSchema.argumentsOf(tool, tools.indexOf(tool)));
            case REQUIRED -> Optional.of(ToolSchema.listOf(tools, parallel));
            case NONE, AUTO -> Optional.empty();
        };
    }

    /** Special tokens that the parser must see. */
    boolean needsSpecialTokens() {
        return mode == Mode.AUTO && family.marksAreSpecialTokens();
    }
}

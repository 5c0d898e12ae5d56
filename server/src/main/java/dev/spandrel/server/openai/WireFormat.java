package dev.spandrel.server.openai;

import java.util.Optional;
import tools.jackson.core.JsonGenerator;

/** What differs between the answers of the two endpoints. */
sealed interface WireFormat permits CompletionsFormat, ChatFormat {
    /** The answer's id, given the part after the prefix. */
    String responseId(String id);

    /** The id of the engine request behind a prompt, as vLLM names it in {@code gen_ai.request.id}. */
    String requestId(String id, int prompt);

    /** {@code gen_ai.operation.name}. */
    String operation();

    /** What vLLM's metrics of tools call the endpoint. */
    String requestType();

    /** The {@code object} of a whole answer. */
    String object();

    /** The {@code object} of a chunk. */
    String chunkObject();

    /** The role that a stream names in a chunk of its own before each choice, if it does. */
    Optional<String> announcedRole();

    /** Whether a whole answer tells of the prompt in each choice, rather than once. */
    boolean tellsPromptPerChoice();

    /** The text of a whole choice, and what belongs beside it. */
    void writeText(JsonGenerator out, Choice choice);

    /** A piece of the message in a chunk's choice. */
    void writeDelta(JsonGenerator out, MessageDelta delta);

    /**
     * Log probabilities of some tokens of a choice.
     *
     * @param offset characters of the choice's text before them
     * @return characters of the text up to their end
     */
    int writeLogprobs(JsonGenerator out, LogprobsJson json, TokenSpan span, int offset);
}

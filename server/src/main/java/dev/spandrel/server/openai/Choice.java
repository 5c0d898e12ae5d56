package dev.spandrel.server.openai;

import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent.Finished;
import dev.spandrel.engine.RequestTimings;
import java.util.List;
import java.util.Locale;

/** One choice of an answer while it grows; used by the request's thread only. */
final class Choice {
    private final int index;
    private final Generation generation;
    private final StringBuilder text;
    private final boolean promptOnly;
    private final ToolCallCollector tools;
    private final boolean callsAreTheReason;
    private int tokens;
    private int toldTokens;
    private int sentTokens;
    private MessageDelta held = MessageDelta.NOTHING;
    private boolean toldPrompt;
    private int logprobOffset;
    private boolean announced;
    private Finished finished;
    private final StringBuilder kept = new StringBuilder();
    private long firstByteNanos = RequestTimings.NOT_REACHED;
    private long lastByteNanos = RequestTimings.NOT_REACHED;

    /**
     * @param promptOnly whether text and tokens of the output are left out
     * @param tools finds calls in the text, or null
     * @param callsAreTheReason whether calls are told as the reason of the end
     */
    Choice(
            int index,
            Generation generation,
            String echoed,
            boolean promptOnly,
            ToolCallCollector tools,
            boolean callsAreTheReason) {
        this.tools = tools;
        this.callsAreTheReason = callsAreTheReason;
        this.index = index;
        this.promptOnly = promptOnly;
        this.generation = generation;
        this.text = new StringBuilder(echoed);
    }

    int index() {
        return index;
    }

    Generation generation() {
        return generation;
    }

    /** Tokens behind the text so far. */
    int tokens() {
        return tokens;
    }

    String text() {
        return text.toString();
    }

    /** Adds a piece to the message of a plain answer. */
    void append(MessageDelta delta) {
        if (delta.content() != null) {
            text.append(delta.content());
        }
    }

    /**
     * What a piece of the output adds to the message.
     *
     * @param last whether it is the last piece
     */
    MessageDelta read(String piece, boolean last) {
        if (tools == null) {
            return MessageDelta.text(promptOnly ? "" : piece);
        }
        MessageDelta delta = tools.append(piece);
        return last ? delta.then(tools.finish()) : delta;
    }

    /** Keeps a piece for the stream's next chunk. */
    void hold(MessageDelta delta) {
        held = held.then(delta);
    }

    /** Whether the next chunk is due: the first and pieces of calls at once, text after so many tokens. */
    boolean due(int interval) {
        return sentTokens == 0 || !held.toolCalls().isEmpty() || tokens - sentTokens >= interval;
    }

    /** What was kept, and is sent now. */
    MessageDelta takeHeld() {
        MessageDelta delta = held;
        held = MessageDelta.NOTHING;
        sentTokens = tokens;
        return delta;
    }

    /** Whether something is kept. */
    boolean holds() {
        return !held.isEmpty();
    }

    /** The calls in the text so far. */
    List<ToolCall> toolCalls() {
        return tools == null ? List.of() : tools.calls();
    }

    /** Tokens that have come and were not told of yet, the prompt's with the first; told of from now on. */
    TokenSpan takeTokens() {
        TokenSpan span = new TokenSpan(generation, !toldPrompt, toldTokens, tokens);
        toldPrompt = true;
        toldTokens = tokens;
        return span;
    }

    /** Whether tokens have come that were not told of yet. */
    boolean hasUntoldTokens() {
        return toldTokens < tokens;
    }

    /** Characters of the text whose tokens' log probabilities were written. */
    int logprobOffset() {
        return logprobOffset;
    }

    void logprobOffset(int offset) {
        logprobOffset = offset;
    }

    /** Text that goes before a stream's first piece: the echoed prompt, once. */
    String takeEcho() {
        String echo = text.toString();
        text.setLength(0);
        return echo;
    }

    /** Counts tokens. */
    void count(int more) {
        tokens += promptOnly ? 0 : more;
    }

    /** True the first time. */
    boolean announce() {
        boolean first = !announced;
        announced = true;
        return first;
    }

    /** Keeps text for {@link Content}, up to its limit. */
    void keep(String piece) {
        kept.append(piece, 0, Math.min(piece.length(), Content.LIMIT - kept.length()));
    }

    /** What was kept. */
    String content() {
        return kept.toString();
    }

    /** Something of it was written, the last so far. */
    void written(long nanos) {
        firstByteNanos = firstByteNanos == RequestTimings.NOT_REACHED ? nanos : firstByteNanos;
        lastByteNanos = nanos;
    }

    long firstByteNanos() {
        return firstByteNanos;
    }

    long lastByteNanos() {
        return lastByteNanos;
    }

    void finish(Finished end) {
        finished = end;
    }

    /** How it ended, or null when it was cut short. */
    Finished finished() {
        return finished;
    }

    /** {@code finish_reason}, null while running. */
    String finishReason() {
        if (finished == null) {
            return null;
        }
        if (callsAreTheReason
                && finished.reason() == FinishReason.STOP
                && !toolCalls().isEmpty()) {
            return "tool_calls";
        }
        return promptOnly ? "length" : finished.reason().name().toLowerCase(Locale.ROOT);
    }

    /** {@code stop_reason}: the stop string that matched, the id of the stop token, or null. */
    Object stopReason() {
        if (finished == null || promptOnly) {
            return null;
        }
        return finished.stopToken().isPresent()
                ? (Object) finished.stopToken().getAsInt()
                : finished.stopReason().orElse(null);
    }
}

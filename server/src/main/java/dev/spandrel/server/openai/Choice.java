package dev.spandrel.server.openai;

import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent.Finished;
import java.util.Locale;

/** One choice of an answer while it grows; used by the request's thread only. */
final class Choice {
    private final int index;
    private final Generation generation;
    private final StringBuilder text;
    private int tokens;
    private boolean announced;
    private Finished finished;

    Choice(int index, Generation generation, String echoed) {
        this.index = index;
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

    /** Adds a piece to the text of a plain answer. */
    void append(String piece) {
        text.append(piece);
    }

    /** Text that goes before a stream's first piece: the echoed prompt, once. */
    String takeEcho() {
        String echo = text.toString();
        text.setLength(0);
        return echo;
    }

    /** Counts tokens. */
    void count(int more) {
        tokens += more;
    }

    /** True the first time. */
    boolean announce() {
        boolean first = !announced;
        announced = true;
        return first;
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
        return finished == null ? null : finished.reason().name().toLowerCase(Locale.ROOT);
    }

    /** {@code stop_reason}: the stop string that matched, or null. */
    String stopReason() {
        return finished == null ? null : finished.stopReason().orElse(null);
    }
}

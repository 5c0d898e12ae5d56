package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.cuda.CudaEvent;
import dev.spandrel.engine.cuda.CudaException;
import dev.spandrel.engine.cuda.CudaGraph;
import dev.spandrel.engine.cuda.CudaStream;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Passes, and how they run. A pass in which every sequence computes one token is filled up to a batch size of a power of two and
 * to a context of a power of two. The first of its kind runs verb by verb, so that everything is compiled and allocated; the
 * second is recorded; from then on the verbs only write what is new into the {@link StepBlock}, and the record is launched.
 * Other passes run verb by verb.
 */
final class CudaSteps implements AutoCloseable {
    /** Kinds kept: 8 batch sizes × 8 contexts. The one not used for longest goes first. */
    private static final int MOST_GRAPHS = 64;

    private record Kind(int rows, int tableStride) {}

    private record Recorded(CudaGraph graph, long sequence) {}

    private enum Mode {
        /** Verbs by themselves, or in a pass that is not recorded. */
        PLAIN,
        /** Verbs go into the record. */
        RECORD,
        /** Verbs write their inputs and nothing else. */
        REPLAY
    }

    private final CudaStream stream;
    private final StepBlock block;
    private final boolean graphs;
    private final Set<Kind> warm = new HashSet<>();
    private final Map<Kind, Recorded> recorded = new LinkedHashMap<>(16, 0.75f, true);

    private Mode mode = Mode.PLAIN;
    private boolean inStep;
    private Kind kind;
    private int tokens;
    private int padding;
    private long sequence;
    private long replays;

    private final CudaEvent begun;
    private final CudaEvent ended;
    private boolean timed;
    private volatile long steps;
    private volatile long stepNanos;

    CudaSteps(CudaStream stream, StepBlock block, boolean graphs) {
        this.stream = stream;
        this.block = block;
        this.graphs = graphs;
        begun = new CudaEvent();
        try {
            ended = new CudaEvent();
        } catch (CudaException e) {
            begun.close();
            throw e;
        }
    }

    void begin(AttentionMetadata metadata, int logitRows) {
        settle();
        tokens = metadata.tokenCount();
        boolean decode = graphs && tokens == metadata.sequenceCount() && tokens == logitRows && tokens > 0;
        int rows = decode ? Math.min(powerOfTwo(tokens), metadata.maxSequences()) : tokens;
        kind = decode ? new Kind(rows, powerOfTwo(blocks(metadata))) : null;
        padding = rows - tokens;
        if (recorded.containsKey(kind)) {
            mode = Mode.REPLAY;
        } else {
            mode = decode && warm.contains(kind) ? Mode.RECORD : Mode.PLAIN;
        }
        sequence = 0;
        block.begin(mode != Mode.PLAIN);
        inStep = true;
        begun.record(stream);
        if (mode == Mode.RECORD) {
            stream.beginCapture();
        }
    }

    /** The last pass has ended, and what it was given may be written over: not every pass has logits that somebody waits for. */
    private void settle() {
        if (timed) {
            timed = false;
            ended.synchronize();
            stepNanos = stepNanos + ended.nanosSince(begun);
            steps = steps + 1;
        }
    }

    private static int powerOfTwo(int value) {
        return value <= 1 ? 1 : Integer.highestOneBit(value - 1) << 1;
    }

    private static int blocks(AttentionMetadata metadata) {
        int most = 1;
        for (int t = 0; t < metadata.tokenCount(); t++) {
            most = Math.max(most, metadata.position(t) / metadata.blockSize() + 1);
        }
        return most;
    }

    /** Rows that are computed where a verb is given so many: in a filled-up pass more. */
    int padded(int rows) {
        return inStep && rows == tokens ? rows + padding : rows;
    }

    /** Values that are computed where a verb is given so many of all rows. */
    long padded(long count) {
        return inStep && padding > 0 && count % tokens == 0 ? count / tokens * (tokens + padding) : count;
    }

    /** Block table entries per sequence: as many as the longest needs, in a filled-up pass a power of two. */
    int tableStride(AttentionMetadata metadata) {
        return inStep && kind != null ? kind.tableStride : blocks(metadata);
    }

    /**
     * Whether a verb is to run; if not, the record will.
     *
     * @param verb what is done and how large: a pass that differs from its record is a mistake of ours
     */
    boolean runs(long verb) {
        sequence = sequence * 31 + verb;
        return mode != Mode.REPLAY;
    }

    void end() {
        Mode ending = mode;
        try {
            if (ending == Mode.RECORD) {
                record();
            } else if (ending == Mode.REPLAY) {
                replay(recorded.get(kind));
            } else if (kind != null) {
                warm.add(kind);
            }
            ended.record(stream);
            timed = true;
        } finally {
            reset();
        }
    }

    private void record() {
        mode = Mode.PLAIN;
        Recorded made = new Recorded(stream.endCapture(), sequence);
        if (recorded.size() == MOST_GRAPHS) {
            Kind eldest = recorded.keySet().iterator().next();
            recorded.remove(eldest).graph.close();
        }
        recorded.put(kind, made);
        replay(made);
    }

    private void replay(Recorded record) {
        if (record.sequence != sequence) {
            throw new IllegalStateException("a pass of " + kind + " calls other verbs than the one recorded");
        }
        block.send();
        record.graph.launch(stream);
        replays++;
    }

    /** The pass threw. */
    void abandon() {
        if (mode == Mode.RECORD) {
            stream.abandonCapture();
        }
        reset();
    }

    private void reset() {
        mode = Mode.PLAIN;
        inStep = false;
        padding = 0;
        kind = null;
        block.end();
    }

    /** Passes whose device time is known. */
    long steps() {
        return steps;
    }

    /** Device time of these passes together. */
    long stepNanos() {
        return stepNanos;
    }

    /** Records launched so far. */
    long replays() {
        return replays;
    }

    @Override
    public void close() {
        List<AutoCloseable> all = new ArrayList<>(List.of(ended, begun));
        recorded.values().forEach(record -> all.add(record.graph));
        recorded.clear();
        Closing.all(all);
    }
}

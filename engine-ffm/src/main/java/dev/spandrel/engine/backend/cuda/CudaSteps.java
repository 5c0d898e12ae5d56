package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.StepDetail;
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
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Passes, and how they run. A pass in which every sequence computes one token is filled up to a batch size of a power of two, or the
 * largest there is, and to a context of a power of two. The first of its kind runs verb by verb, so that everything is compiled and
 * allocated; the second is recorded; from then on the verbs only write what is new into the {@link StepBlock}, and the record is
 * launched. Other passes run verb by verb.
 */
final class CudaSteps implements AutoCloseable {
    /** @param watched whether phases are timed: the events are part of the record */
    private record Kind(int rows, int tableStride, boolean watched) {}

    private record Recorded(CudaGraph graph, long sequence, PhaseMarks marks) implements AutoCloseable {
        @Override
        public void close() {
            Closing.all(marks == null ? List.of(graph) : List.of(graph, marks));
        }
    }

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
    private final int most;
    private final Set<Kind> warm = new HashSet<>();
    private final Map<Kind, Recorded> recorded = new LinkedHashMap<>(16, 0.75f, true);

    private Mode mode = Mode.PLAIN;
    private boolean inStep;
    private Kind kind;
    private int tokens;
    private int padding;
    private long sequence;
    private long replays;

    private boolean watched;
    private final PhaseMarks plainMarks;
    private final PhaseMarks drawMarks;
    /** Of the pass that runs, while verbs do. */
    private PhaseMarks marks;
    /** Of the last watched pass. */
    private PhaseMarks lastMarks;

    /** Of two passes, since one is written while the one before it runs. */
    private final CudaEvent[] begun = new CudaEvent[2];

    private final CudaEvent[] ended = new CudaEvent[2];
    private final boolean[] timed = new boolean[2];
    private int turn;
    private volatile long steps;
    private volatile long stepNanos;

    /** @param most records that are kept; 0 = passes are not recorded */
    CudaSteps(CudaStream stream, StepBlock block, int most) {
        this.stream = stream;
        this.block = block;
        this.most = most;
        plainMarks = new PhaseMarks(stream, false);
        drawMarks = new PhaseMarks(stream, false);
        try {
            for (int i = 0; i < 2; i++) {
                begun[i] = new CudaEvent();
                ended[i] = new CudaEvent();
            }
        } catch (CudaException e) {
            Closing.all(events());
            throw e;
        }
    }

    private List<AutoCloseable> events() {
        return Stream.<AutoCloseable>concat(Stream.of(begun), Stream.of(ended))
                .filter(Objects::nonNull)
                .toList();
    }

    void begin(AttentionMetadata metadata, int logitRows) {
        turn = 1 - turn;
        settle();
        tokens = metadata.tokenCount();
        boolean decode = most > 0 && tokens == metadata.sequenceCount() && tokens == logitRows && tokens > 0;
        int rows = decode ? Math.min(powerOfTwo(tokens), metadata.maxSequences()) : tokens;
        kind = decode ? new Kind(rows, powerOfTwo(blocks(metadata)), watched) : null;
        padding = rows - tokens;
        if (recorded.containsKey(kind)) {
            mode = Mode.REPLAY;
        } else {
            mode = decode && warm.contains(unwatched(kind)) ? Mode.RECORD : Mode.PLAIN;
        }
        sequence = 0;
        beginMarks();
        block.begin(turn, mode != Mode.PLAIN);
        inStep = true;
        begun[turn].record(stream);
        if (mode == Mode.RECORD) {
            stream.beginCapture();
        }
    }

    /** The pass before the last has ended, and what it was given may be written over; nobody else need have waited for it. */
    private void settle() {
        if (timed[turn]) {
            timed[turn] = false;
            ended[turn].synchronize();
            stepNanos = stepNanos + ended[turn].nanosSince(begun[turn]);
            steps = steps + 1;
        }
    }

    private static Kind unwatched(Kind kind) {
        return new Kind(kind.rows, kind.tableStride, false);
    }

    private void beginMarks() {
        drawMarks.clear();
        marks = null;
        if (watched && mode == Mode.PLAIN) {
            plainMarks.clear();
            marks = plainMarks;
        } else if (watched && mode == Mode.RECORD) {
            marks = new PhaseMarks(stream, true);
        }
    }

    /** Whether passes that begin from now on are watched. */
    void watch(boolean wanted) {
        watched = wanted;
    }

    /** Drawing tokens of the last pass begins, or is over. */
    void draws(boolean begins) {
        if (watched && begins) {
            drawMarks.begin("sample");
        } else if (watched) {
            drawMarks.end();
        }
    }

    /** Device time of the last watched pass by phase, and of the draws after it. */
    List<StepDetail.DeviceTime> deviceTimes() {
        if (timed[turn]) {
            // Waiting for an event in a record does not wait for a launch that has not come to it.
            ended[turn].synchronize();
        }
        return PhaseMarks.times(lastMarks, drawMarks);
    }

    private static int powerOfTwo(int value) {
        return value <= 1 ? 1 : Integer.highestOneBit(value - 1) << 1;
    }

    /** At least those of one piece of attention: fewer make no other kind of pass. */
    private static int blocks(AttentionMetadata metadata) {
        int most = Math.max(1, Attention.PIECE / metadata.blockSize());
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
     * @param phase what its time on the device counts as
     */
    boolean runs(long verb, String phase) {
        sequence = sequence * 31 + verb;
        if (marks != null) {
            marks.begin(phase);
        }
        return mode != Mode.REPLAY;
    }

    void end() {
        Mode ending = mode;
        try {
            if (marks != null) {
                marks.end();
                lastMarks = marks;
            }
            if (ending == Mode.RECORD) {
                record();
            } else if (ending == Mode.REPLAY) {
                replay(recorded.get(kind));
            } else if (kind != null) {
                warm.add(unwatched(kind));
            }
            ended[turn].record(stream);
            timed[turn] = true;
            block.end();
        } catch (RuntimeException e) {
            abandon();
            throw e;
        } finally {
            reset();
        }
    }

    private void record() {
        mode = Mode.PLAIN;
        Kind worn = recorded.size() < most ? null : worn();
        CudaGraph graph;
        try {
            graph = worn == null ? stream.endCapture() : stream.endCapture(recorded.get(worn).graph);
        } catch (CudaException e) {
            if (marks != null) {
                marks.close();
            }
            throw e;
        }
        Recorded made = new Recorded(graph, sequence, marks);
        marks = null;
        recorded.put(kind, made);
        if (worn != null) {
            recorded.remove(worn).close();
        }
        replay(made);
    }

    /**
     * Who makes way for a new record: in the half not used for longest one of the same batch size, whose graph differs in sizes
     * only, so that the driver can go on with what it made of it; else the one not used for longest.
     */
    private Kind worn() {
        return recorded.keySet().stream()
                .limit((most + 1) / 2)
                .filter(old -> old.rows == kind.rows && old.watched == kind.watched)
                .findFirst()
                .orElseGet(() -> recorded.keySet().iterator().next());
    }

    private void replay(Recorded record) {
        if (record.sequence != sequence) {
            throw new IllegalStateException("a pass of " + kind + " calls other verbs than the one recorded");
        }
        block.send();
        record.graph.launch(stream);
        lastMarks = record.marks == null ? lastMarks : record.marks;
        replays++;
    }

    /** The pass threw. */
    void abandon() {
        if (mode == Mode.RECORD) {
            stream.abandonCapture();
            if (marks != null) {
                marks.close();
            }
        }
        block.abandon();
        reset();
    }

    private void reset() {
        mode = Mode.PLAIN;
        inStep = false;
        padding = 0;
        marks = null;
        kind = null;
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
        List<AutoCloseable> all = new ArrayList<>(events());
        all.addAll(List.of(plainMarks, drawMarks));
        all.addAll(recorded.values());
        recorded.clear();
        Closing.all(all);
    }
}

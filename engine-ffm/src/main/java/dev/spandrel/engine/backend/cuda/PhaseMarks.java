package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.StepDetail;
import dev.spandrel.engine.cuda.CudaEvent;
import dev.spandrel.engine.cuda.CudaStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Events in a pass, one wherever another phase begins and one at the end; between them is what the phases took on the device.
 * Those of a recorded pass are part of the record and are set anew by each launch.
 */
final class PhaseMarks implements AutoCloseable {
    private final CudaStream stream;
    private final boolean recorded;
    private final List<CudaEvent> events = new ArrayList<>();
    private final List<String> phases = new ArrayList<>();

    /** @param recorded whether the stream records while marks are set */
    PhaseMarks(CudaStream stream, boolean recorded) {
        this.stream = stream;
        this.recorded = recorded;
    }

    /** What follows belongs to a phase; nothing is set where it is the one before. */
    void begin(String phase) {
        if (phases.isEmpty() || !phases.getLast().equals(phase)) {
            mark(phase);
        }
    }

    /** The last phase is over. */
    void end() {
        if (!phases.isEmpty()) {
            mark("");
        }
    }

    private void mark(String phase) {
        if (events.size() == phases.size()) {
            events.add(new CudaEvent());
        }
        events.get(phases.size()).mark(stream, recorded);
        phases.add(phase);
    }

    /** Forgets what was marked; the events are used again. */
    void clear() {
        phases.clear();
    }

    /** Adds what each phase took to what is there; waits for the last mark. */
    void addTo(Map<String, Long> nanos) {
        if (phases.isEmpty()) {
            return;
        }
        events.get(phases.size() - 1).synchronize();
        for (int i = 0; i + 1 < phases.size(); i++) {
            nanos.merge(phases.get(i), events.get(i + 1).nanosSince(events.get(i)), Long::sum);
        }
    }

    /** As the engine tells it, in the order that phases first came. */
    static List<StepDetail.DeviceTime> times(PhaseMarks... all) {
        Map<String, Long> nanos = new LinkedHashMap<>();
        for (PhaseMarks marks : all) {
            if (marks != null) {
                marks.addTo(nanos);
            }
        }
        return nanos.entrySet().stream()
                .map(phase -> new StepDetail.DeviceTime(phase.getKey(), phase.getValue()))
                .toList();
    }

    @Override
    public void close() {
        phases.clear();
        List<CudaEvent> all = List.copyOf(events);
        events.clear();
        Closing.all(all);
    }
}

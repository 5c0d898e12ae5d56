package dev.spandrel.engine.scheduler;

import java.util.Comparator;

/**
 * Who comes first: for admission the smallest, for giving way the largest.
 *
 * @param byPriority by priority, then by arrival; otherwise by arrival alone (first come, first served)
 * @param agingMillis wait that is worth one step of priority, so that a low one cannot starve for ever; 0 = no aging
 */
public record SchedulingPolicy(boolean byPriority, long agingMillis) implements Comparator<Sequence> {
    /** First come, first served. */
    public static final SchedulingPolicy FCFS = new SchedulingPolicy(false, 0);

    public SchedulingPolicy {
        if (agingMillis < 0) {
            throw new IllegalArgumentException("aging must not be negative, found " + agingMillis + " ms");
        }
    }

    @Override
    public int compare(Sequence first, Sequence second) {
        if (byPriority) {
            // priority − waited/aging compares like priority × aging + arrival, which does not change with time.
            int order = agingMillis == 0
                    ? Integer.compare(first.priority(), second.priority())
                    : Long.compare(aged(first), aged(second));
            if (order == 0) {
                order = Long.compare(first.arrivalMillis(), second.arrivalMillis());
            }
            if (order != 0) {
                return order;
            }
        }
        return Long.compare(first.id(), second.id());
    }

    private long aged(Sequence sequence) {
        return sequence.priority() * agingMillis + sequence.arrivalMillis();
    }
}

package dev.spandrel.server.telemetry;

import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counts values by upper bound. Observing takes no lock, and without an exemplar it allocates nothing, so the engine thread
 * may do it; a reader meanwhile sees each value in the buckets or not yet, never twice.
 */
final class Histogram {
    private final double[] bounds;
    private final LongAdder[] buckets;
    private final AtomicReferenceArray<Exemplar> exemplars;
    private final DoubleAdder sum = new DoubleAdder();

    /** Bounds in rising order; one more bucket takes what is above the last. */
    Histogram(double... bounds) {
        this.bounds = bounds.clone();
        this.buckets = new LongAdder[bounds.length + 1];
        this.exemplars = new AtomicReferenceArray<>(bounds.length + 1);
        Arrays.setAll(buckets, _ -> new LongAdder());
    }

    void observe(double value) {
        buckets[bucket(value)].increment();
        sum.add(value);
    }

    /** Counts a value and keeps it as its bucket's latest exemplar, where there is a trace to point at. */
    void observe(double value, Optional<Exemplar.Source> source) {
        observe(value);
        source.ifPresent(trace -> exemplars.lazySet(bucket(value), trace.of(value)));
    }

    private int bucket(double value) {
        int bucket = 0;
        while (bucket < bounds.length && value > bounds[bucket]) {
            bucket++;
        }
        return bucket;
    }

    double[] bounds() {
        return bounds.clone();
    }

    /** Values at or below each bound, and last all of them. */
    long[] cumulative() {
        long[] counts = new long[buckets.length];
        long total = 0;
        for (int i = 0; i < buckets.length; i++) {
            total += buckets[i].sum();
            counts[i] = total;
        }
        return counts;
    }

    /** The latest exemplar of a bucket, or null. */
    Exemplar exemplar(int bucket) {
        return exemplars.get(bucket);
    }

    double sum() {
        return sum.sum();
    }
}

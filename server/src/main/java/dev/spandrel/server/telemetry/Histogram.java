package dev.spandrel.server.telemetry;

import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;

/**
 * Counts values by upper bound. Observing takes no lock, and without an exemplar it allocates nothing, so the engine thread
 * may do it; a reader meanwhile sees each value in the buckets or not yet, never twice.
 */
final class Histogram {
    private static final long EXEMPLAR_NANOS = 100_000_000;

    private final double[] bounds;
    private final LongAdder[] buckets;
    private final AtomicReferenceArray<Exemplar> exemplars;
    private final AtomicLongArray exemplarNanos;
    private final DoubleAdder sum = new DoubleAdder();

    /** Bounds in rising order; one more bucket takes what is above the last. */
    Histogram(double... bounds) {
        this.bounds = bounds.clone();
        this.buckets = new LongAdder[bounds.length + 1];
        this.exemplarNanos = new AtomicLongArray(bounds.length + 1);
        this.exemplars = new AtomicReferenceArray<>(bounds.length + 1);
        Arrays.setAll(buckets, _ -> new LongAdder());
    }

    void observe(double value) {
        count(value);
    }

    /** Counts a value and keeps it as its bucket's latest exemplar, where there is a trace to point at. */
    void observe(double value, Optional<Exemplar.Source> source) {
        int bucket = count(value);
        source.ifPresent(trace -> exemplars.lazySet(bucket, trace.of(value)));
    }

    /**
     * As the other, for values that come thousands of times a second: a bucket's exemplar stays for a tenth of a second, and
     * until then nobody asks for the trace.
     *
     * @param nanos when, on any monotonic clock, but always the same
     */
    void observe(double value, long nanos, Supplier<Optional<Exemplar.Source>> source) {
        int bucket = count(value);
        long last = exemplarNanos.get(bucket);
        boolean due = exemplars.get(bucket) == null || nanos - last >= EXEMPLAR_NANOS;
        if (due && exemplarNanos.compareAndSet(bucket, last, nanos)) {
            source.get().ifPresent(trace -> exemplars.lazySet(bucket, trace.of(value)));
        }
    }

    private int count(double value) {
        int bucket = bucket(value);
        buckets[bucket].increment();
        sum.add(value);
        return bucket;
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

package dev.spandrel.sidecar.page;

import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.ProtobufReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;

/** Reads numbers and histograms of some names out of an encoded {@code ExportMetricsServiceRequest} (metrics.proto 1.11). */
final class MetricsDecoder {
    private static final int GAUGE = 5;
    private static final int SUM = 7;
    private static final int HISTOGRAM = 9;
    private static final int DELTA = 1;

    private final Predicate<String> wanted;
    private final List<MetricPoint> points = new ArrayList<>();

    private MetricsDecoder(Predicate<String> wanted) {
        this.wanted = wanted;
    }

    static List<MetricPoint> decode(byte[] request, Predicate<String> wanted) throws MalformedTelemetryException {
        MetricsDecoder decoder = new MetricsDecoder(wanted);
        ProtobufReader reader = new ProtobufReader(request);
        while (reader.next()) {
            if (reader.field() == 1) {
                decoder.resourceMetrics(reader);
            }
        }
        return decoder.points;
    }

    private void resourceMetrics(ProtobufReader parent) throws MalformedTelemetryException {
        long resource = 0;
        ProtobufReader first = parent.message();
        while (first.next()) {
            if (first.field() == 1) {
                resource = hash(first);
            }
        }
        ProtobufReader second = parent.message();
        while (second.next()) {
            if (second.field() == 2) {
                scopeMetrics(second.message(), resource);
            }
        }
    }

    private void scopeMetrics(ProtobufReader scope, long resource) throws MalformedTelemetryException {
        while (scope.next()) {
            if (scope.field() == 2) {
                metric(scope, resource);
            }
        }
    }

    private void metric(ProtobufReader parent, long resource) throws MalformedTelemetryException {
        String name = "";
        ProtobufReader first = parent.message();
        while (first.next()) {
            if (first.field() == 1) {
                name = first.string();
            }
        }
        if (!wanted.test(name)) {
            return;
        }
        ProtobufReader second = parent.message();
        while (second.next()) {
            if (second.field() == GAUGE || second.field() == SUM || second.field() == HISTOGRAM) {
                data(name, resource, second, second.field() == HISTOGRAM);
            }
        }
    }

    private void data(String name, long resource, ProtobufReader parent, boolean histogram)
            throws MalformedTelemetryException {
        boolean delta = false;
        ProtobufReader first = parent.message();
        while (first.next()) {
            if (first.is(2, ProtobufReader.VARINT)) {
                delta = first.varint() == DELTA;
            }
        }
        ProtobufReader second = parent.message();
        while (second.next()) {
            if (second.field() == 1) {
                points.add(
                        histogram
                                ? histogram(name, resource, second.message(), delta)
                                : number(name, resource, second.message(), delta));
            }
        }
    }

    private static MetricPoint number(String name, long resource, ProtobufReader point, boolean delta)
            throws MalformedTelemetryException {
        double value = 0;
        long source = resource;
        while (point.next()) {
            switch (point.field()) {
                case 4 -> value = Double.longBitsToDouble(point.fixed64());
                case 6 -> value = point.fixed64();
                case 7 -> source = source * 31 + hash(point);
                default -> {}
            }
        }
        return new MetricPoint(name, source, value, delta, new double[0], new long[0]);
    }

    private static MetricPoint histogram(String name, long resource, ProtobufReader point, boolean delta)
            throws MalformedTelemetryException {
        long count = 0;
        long source = resource;
        long[] counts = {};
        long[] bounds = {};
        while (point.next()) {
            switch (point.field()) {
                case 4 -> count = point.fixed64();
                case 6 -> counts = fixed64s(counts, point);
                case 7 -> bounds = fixed64s(bounds, point);
                case 9 -> source = source * 31 + hash(point);
                default -> {}
            }
        }
        if (counts.length != bounds.length + 1) {
            throw new MalformedTelemetryException(
                    name + " has " + counts.length + " buckets for " + bounds.length + " bounds, expected one more");
        }
        double[] limits = new double[bounds.length];
        for (int i = 0; i < bounds.length; i++) {
            limits[i] = Double.longBitsToDouble(bounds[i]);
        }
        return new MetricPoint(name, source, count, delta, limits, counts);
    }

    /** Of a repeated field, packed or not, more elements. */
    private static long[] fixed64s(long[] before, ProtobufReader field) throws MalformedTelemetryException {
        if (field.wireType() == ProtobufReader.FIXED64) {
            long[] all = Arrays.copyOf(before, before.length + 1);
            all[before.length] = field.fixed64();
            return all;
        }
        field.require(ProtobufReader.LENGTH_DELIMITED);
        int size = (field.valueEnd() - field.valueStart()) / Long.BYTES;
        long[] all = Arrays.copyOf(before, before.length + size);
        for (int i = 0; i < size; i++) {
            all[before.length + i] = littleEndian(field.buffer(), field.valueStart() + i * Long.BYTES);
        }
        return all;
    }

    private static long littleEndian(byte[] buffer, int at) {
        long value = 0;
        for (int i = Long.BYTES - 1; i >= 0; i--) {
            value = value << 8 | buffer[at + i] & 0xff;
        }
        return value;
    }

    private static long hash(ProtobufReader field) {
        long hash = 1;
        for (int i = field.valueStart(); i < field.valueEnd(); i++) {
            hash = hash * 31 + field.buffer()[i];
        }
        return hash;
    }
}

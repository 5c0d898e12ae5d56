package dev.spandrel.sidecar.metrics;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.DoubleSupplier;

/**
 * Named numbers and their Prometheus text. Counters are handed out once and kept by their user, so counting takes no
 * look-up; gauges are read when the page is asked for. Safe for any thread.
 */
public final class MetricRegistry {
    private enum Type {
        COUNTER,
        GAUGE
    }

    private record Family(Type type, String help, Map<String, DoubleSupplier> series) {}

    private final Map<String, Family> families = new TreeMap<>();

    /**
     * The counter of this name and labels, made on first use.
     *
     * @param name without the {@code _total} that the text format adds
     * @param labels names and values in turn
     */
    public synchronized LongAdder counter(String name, String help, String... labels) {
        LongAdder adder = new LongAdder();
        family(Type.COUNTER, name, help).series().put(labelText(labels), adder::sum);
        return adder;
    }

    /** A counter that somebody else keeps. */
    public synchronized void counter(String name, String help, DoubleSupplier value, String... labels) {
        family(Type.COUNTER, name, help).series().put(labelText(labels), value);
    }

    /** A value that goes up and down, read when asked for. */
    public synchronized void gauge(String name, String help, DoubleSupplier value, String... labels) {
        family(Type.GAUGE, name, help).series().put(labelText(labels), value);
    }

    private Family family(Type type, String name, String help) {
        return families.computeIfAbsent(name, _ -> new Family(type, help, new TreeMap<>()));
    }

    private static String labelText(String... labels) {
        if (labels.length == 0) {
            return "";
        }
        StringBuilder text = new StringBuilder("{");
        for (int i = 0; i < labels.length; i += 2) {
            text.append(i == 0 ? "" : ",").append(labels[i]).append("=\"");
            text.append(
                    labels[i + 1].replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n"));
            text.append('"');
        }
        return text.append('}').toString();
    }

    /** Everything in the Prometheus text format, version 0.0.4. */
    public synchronized String prometheusText() {
        StringBuilder page = new StringBuilder(4096);
        families.forEach((name, family) -> append(page, name, family));
        return page.toString();
    }

    private static void append(StringBuilder page, String name, Family family) {
        String shown = family.type() == Type.COUNTER ? name + "_total" : name;
        page.append("# HELP ").append(shown).append(' ').append(family.help()).append('\n');
        page.append("# TYPE ").append(shown).append(family.type() == Type.COUNTER ? " counter\n" : " gauge\n");
        family.series()
                .forEach((labels, value) -> page.append(shown)
                        .append(labels)
                        .append(' ')
                        .append(number(value.getAsDouble()))
                        .append('\n'));
    }

    private static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15
                ? Long.toString((long) value)
                : Double.toString(value);
    }
}

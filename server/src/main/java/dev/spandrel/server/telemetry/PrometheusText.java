package dev.spandrel.server.telemetry;

import java.nio.charset.StandardCharsets;

/** Writes the Prometheus text format 0.0.4; numbers as Python's client writes them, so dashboards compare equal. */
final class PrometheusText {
    static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private final StringBuilder out = new StringBuilder(16 * 1024);
    private final String labels;

    /** A text whose every series carries these labels, e.g. {@code engine="0",model_name="m"}. */
    PrometheusText(String labels) {
        this.labels = labels;
    }

    /** A label with its value escaped. */
    static String label(String name, String value) {
        return name + "=\"" + value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + "\"";
    }

    /** Begins a family. */
    PrometheusText family(String name, String type, String help) {
        out.append("# HELP ").append(name).append(' ').append(help).append('\n');
        out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
        return this;
    }

    /** One series without labels of its own. */
    PrometheusText sample(String name, double value) {
        return sample(name, "", value);
    }

    /** One series; its own labels go behind the common ones. */
    PrometheusText sample(String name, String ownLabels, double value) {
        out.append(name).append('{').append(labels);
        if (!ownLabels.isEmpty()) {
            out.append(',').append(ownLabels);
        }
        out.append("} ").append(number(value)).append('\n');
        return this;
    }

    /** A family with one gauge. */
    void gauge(String name, String help, double value) {
        family(name, "gauge", help).sample(name, value);
    }

    /** A family with one counter; the name is without {@code _total}. */
    void counter(String name, String help, double value) {
        family(name + "_total", "counter", help).sample(name + "_total", value);
    }

    /** A family with one histogram. */
    void histogram(String name, String help, Histogram histogram) {
        family(name, "histogram", help);
        double[] bounds = histogram.bounds();
        long[] counts = histogram.cumulative();
        for (int i = 0; i < counts.length; i++) {
            String bound = i < bounds.length ? number(bounds[i]) : "+Inf";
            sample(name + "_bucket", label("le", bound), counts[i]);
        }
        sample(name + "_count", counts[counts.length - 1]);
        sample(name + "_sum", histogram.sum());
    }

    static String number(double value) {
        return Double.toString(value);
    }

    byte[] bytes() {
        return out.toString().getBytes(StandardCharsets.UTF_8);
    }
}

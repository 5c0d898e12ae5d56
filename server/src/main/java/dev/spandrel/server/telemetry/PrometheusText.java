package dev.spandrel.server.telemetry;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * Writes the Prometheus text format 0.0.4, or OpenMetrics 1.0.0, which knows exemplars; numbers as Python's client writes
 * them, so dashboards and recording rules made for vLLM compare equal.
 */
final class PrometheusText {
    private static final String TEXT = "text/plain; version=0.0.4; charset=utf-8";
    private static final String OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    private final StringBuilder out = new StringBuilder(32 * 1024);
    private final boolean openMetrics;
    private String labels = "";

    /** @param openMetrics OpenMetrics instead of the older format */
    PrometheusText(boolean openMetrics) {
        this.openMetrics = openMetrics;
    }

    /** Labels that every series from now on carries, e.g. {@code engine="0",model_name="m"}; empty for none. */
    PrometheusText labels(String common) {
        labels = common;
        return this;
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

    /** Begins a family of counters; the name is without {@code _total}, which only the older format has in the family. */
    PrometheusText counters(String name, String help) {
        return family(openMetrics ? name : name + "_total", "counter", help);
    }

    /** One series without labels of its own. */
    PrometheusText sample(String name, double value) {
        return sample(name, "", value);
    }

    /** One series; its own labels go behind the common ones. */
    PrometheusText sample(String name, String ownLabels, double value) {
        series(name, ownLabels, value);
        out.append('\n');
        return this;
    }

    private void series(String name, String ownLabels, double value) {
        out.append(name);
        if (!labels.isEmpty() || !ownLabels.isEmpty()) {
            out.append('{').append(labels);
            out.append(labels.isEmpty() || ownLabels.isEmpty() ? "" : ",").append(ownLabels);
            out.append('}');
        }
        out.append(' ').append(number(value));
    }

    /** A family with one gauge. */
    void gauge(String name, String help, double value) {
        family(name, "gauge", help).sample(name, value);
    }

    /** A family with one counter; the name is without {@code _total}. */
    void counter(String name, String help, double value) {
        counters(name, help).sample(name + "_total", value);
    }

    /** A family with one histogram. */
    void histogram(String name, String help, Histogram histogram) {
        family(name, "histogram", help);
        buckets(name, "", histogram);
    }

    /** One histogram of a family. */
    void buckets(String name, String ownLabels, Histogram histogram) {
        double[] bounds = histogram.bounds();
        long[] counts = histogram.cumulative();
        String more = ownLabels.isEmpty() ? "" : ownLabels + ",";
        for (int i = 0; i < counts.length; i++) {
            String bound = i < bounds.length ? number(bounds[i]) : "+Inf";
            series(name + "_bucket", more + label("le", bound), counts[i]);
            exemplar(histogram.exemplar(i));
            out.append('\n');
        }
        sample(name + "_count", ownLabels, counts[counts.length - 1]);
        sample(name + "_sum", ownLabels, histogram.sum());
    }

    private void exemplar(Exemplar exemplar) {
        if (openMetrics && exemplar != null) {
            out.append(" # {trace_id=\"").append(exemplar.traceId());
            out.append("\",span_id=\"").append(exemplar.spanId()).append("\"} ");
            out.append(number(exemplar.value())).append(' ');
            out.append(String.format(Locale.ROOT, "%.3f", exemplar.epochSeconds()));
        }
    }

    /** The shortest decimal that reads back the same; from a million on with an exponent of two digits. */
    static String number(double value) {
        if (!Double.isFinite(value) || Math.abs(value) < 1e6 && (value == 0 || Math.abs(value) >= 1e-4)) {
            return Double.isInfinite(value) ? value > 0 ? "+Inf" : "-Inf" : Double.toString(value);
        }
        BigDecimal decimal = new BigDecimal(Double.toString(value)).stripTrailingZeros();
        int exponent = decimal.precision() - decimal.scale() - 1;
        String mantissa = decimal.movePointLeft(exponent).stripTrailingZeros().toPlainString();
        return mantissa + (exponent < 0 ? "e-" : "e+") + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
    }

    String contentType() {
        return openMetrics ? OPEN_METRICS : TEXT;
    }

    /** All of it. */
    byte[] bytes() {
        return (openMetrics ? out + "# EOF\n" : out.toString()).getBytes(StandardCharsets.UTF_8);
    }
}

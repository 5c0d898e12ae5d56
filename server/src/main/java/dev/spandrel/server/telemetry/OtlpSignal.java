package dev.spandrel.server.telemetry;

import java.util.Locale;

/** What goes over OTLP; each has variables of its own beside the general ones. */
enum OtlpSignal {
    TRACES,
    METRICS,
    LOGS;

    /** {@code OTEL_EXPORTER_OTLP_TRACES_ENDPOINT} and its like. */
    String variable(String suffix) {
        return "OTEL_EXPORTER_OTLP_" + name() + "_" + suffix;
    }

    /** {@code OTEL_TRACES_EXPORTER} and its like. */
    String exporterVariable() {
        return "OTEL_" + name() + "_EXPORTER";
    }

    /** Of the SDK's properties {@code otel.exporter.otlp.traces.…}. */
    String property(String suffix) {
        return "otel.exporter.otlp." + lower() + "." + suffix;
    }

    /** Where a collector takes it over HTTP. */
    String path() {
        return "/v1/" + lower();
    }

    String lower() {
        return name().toLowerCase(Locale.ROOT);
    }
}

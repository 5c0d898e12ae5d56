package dev.spandrel.sidecar.otlp;

import java.util.Locale;

/** The four kinds of telemetry OTLP carries, with the names each has on the wire (opentelemetry-proto 1.11). */
public enum Signal {
    TRACES("trace.v1.TraceService", "/v1/traces", "spans"),
    METRICS("metrics.v1.MetricsService", "/v1/metrics", "metric_points"),
    LOGS("logs.v1.LogsService", "/v1/logs", "log_records"),
    PROFILES("profiles.v1development.ProfilesService", "/v1development/profiles", "profiles");

    private final String grpcService;
    private final String httpPath;
    private final String items;

    Signal(String service, String httpPath, String items) {
        this.grpcService = "opentelemetry.proto.collector." + service;
        this.httpPath = httpPath;
        this.items = items;
    }

    /** The lower-case word of the signal, as in {@code OTEL_TRACES_EXPORTER}: {@code traces}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The full gRPC method without a leading slash. */
    public String grpcMethod() {
        return grpcService + "/Export";
    }

    public String grpcService() {
        return grpcService;
    }

    /** The default HTTP path, with its leading slash. */
    public String httpPath() {
        return httpPath;
    }

    /** What one item is called in metric names, as the OpenTelemetry Collector calls it. */
    public String items() {
        return items;
    }

    /**
     * Whether two encoded requests may be concatenated into one. Profiles may not: their request holds tables that are
     * referenced by index, and merged tables would make the second request point at the wrong rows.
     */
    public boolean mergeable() {
        return this != PROFILES;
    }
}

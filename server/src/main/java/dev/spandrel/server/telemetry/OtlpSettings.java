package dev.spandrel.server.telemetry;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Where spans go, decided from flag and environment before anything is built. A flag beats a variable, a variable for
 * traces beats the general one (OpenTelemetry's OTLP exporter specification); an endpoint may be written as vLLM's
 * examples write it ({@code grpc://host:port}, {@code host:port}), which the Java exporter does not understand.
 *
 * @param endpoint for the exporter, always {@code http://} or {@code https://}; empty = tracing is off
 * @param unnamed whether nobody named an endpoint; a named one may still be switched off
 */
public record OtlpSettings(Optional<URI> endpoint, String protocol, boolean unnamed) {
    private static final String ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private static final String TRACES_ENDPOINT = OtlpSignal.TRACES.variable("ENDPOINT");

    /**
     * Settings of a server: on when an endpoint is named anywhere.
     *
     * @param flag value of {@code --otlp-traces-endpoint}, or null
     * @param environment by variable name; null or empty = unset
     * @throws TelemetryConfigException naming flag or variable, what was found and what is expected
     */
    public static OtlpSettings resolve(String flag, UnaryOperator<String> environment) {
        return resolve(OtlpSignal.TRACES, flag, environment);
    }

    /** Settings of a signal of a server: on when its own or the general endpoint is named. */
    static OtlpSettings resolve(OtlpSignal signal, String flag, UnaryOperator<String> environment) {
        OtlpProtocol protocol = protocol(signal, environment);
        boolean unnamed = flag == null
                && value(environment, signal.variable("ENDPOINT")) == null
                && value(environment, ENDPOINT) == null;
        return new OtlpSettings(named(signal, flag, environment, protocol), protocol.text(), unnamed);
    }

    /** Settings of a client: as of a server, but always on; the specification's local default behind all. */
    public static OtlpSettings resolveOrLocal(UnaryOperator<String> environment) {
        OtlpSignal signal = OtlpSignal.TRACES;
        OtlpProtocol protocol = protocol(signal, environment);
        URI local = URI.create(
                "http://localhost:" + protocol.defaultPort() + (protocol == OtlpProtocol.GRPC ? "" : signal.path()));
        return new OtlpSettings(
                Optional.of(named(signal, null, environment, protocol).orElse(local)), protocol.text(), false);
    }

    /** The process' environment; a system property {@code otel.x.y} stands in for {@code OTEL_X_Y}, and wins. */
    public static String processEnvironment(String variable) {
        String property = System.getProperty(variable.toLowerCase(Locale.ROOT).replace('_', '.'));
        return property == null ? System.getenv(variable) : property;
    }

    /** Whether spans are exported. */
    public boolean on() {
        return endpoint.isPresent();
    }

    /** One phrase for the ready line. */
    public String describe() {
        return endpoint.map(uri -> "traces to " + uri + " by " + protocol)
                .orElse("traces off: --otlp-traces-endpoint or " + TRACES_ENDPOINT + " turns them on");
    }

    private static OtlpProtocol protocol(OtlpSignal signal, UnaryOperator<String> environment) {
        for (String variable : new String[] {signal.variable("PROTOCOL"), "OTEL_EXPORTER_OTLP_PROTOCOL"}) {
            String value = value(environment, variable);
            if (value != null) {
                return OtlpProtocol.of(variable, value);
            }
        }
        return OtlpProtocol.GRPC;
    }

    private static Optional<URI> named(
            OtlpSignal signal, String flag, UnaryOperator<String> environment, OtlpProtocol protocol) {
        if ("true".equalsIgnoreCase(value(environment, "OTEL_SDK_DISABLED"))
                || "none".equals(value(environment, signal.exporterVariable()))) {
            return Optional.empty();
        }
        boolean insecure = insecure(signal, environment);
        if (flag != null) {
            URI given = uri("--otlp-traces-endpoint", flag.strip(), protocol, insecure);
            return Optional.of(needsPath(given, protocol) ? withPath(given, signal) : given);
        }
        String own = value(environment, signal.variable("ENDPOINT"));
        if (own != null) {
            URI given = uri(signal.variable("ENDPOINT"), own, protocol, insecure);
            // A URL is used as it is, as specified; host:port and grpc:// are none the specification knows.
            boolean url = own.regionMatches(true, 0, "http", 0, 4);
            return Optional.of(!url && needsPath(given, protocol) ? withPath(given, signal) : given);
        }
        String general = value(environment, ENDPOINT);
        if (general == null) {
            return Optional.empty();
        }
        URI base = uri(ENDPOINT, general, protocol, insecure);
        return Optional.of(protocol == OtlpProtocol.GRPC ? base : withPath(base, signal));
    }

    /** No backend takes telemetry at its root. */
    private static boolean needsPath(URI endpoint, OtlpProtocol protocol) {
        String path = endpoint.getPath();
        return protocol != OtlpProtocol.GRPC && (path == null || path.isEmpty() || path.equals("/"));
    }

    /** Without a scheme that says otherwise a connection is plaintext, unless a variable forbids it. */
    private static boolean insecure(OtlpSignal signal, UnaryOperator<String> environment) {
        String traces = value(environment, signal.variable("INSECURE"));
        String value = traces == null ? value(environment, "OTEL_EXPORTER_OTLP_INSECURE") : traces;
        return !"false".equalsIgnoreCase(value);
    }

    private static String value(UnaryOperator<String> environment, String variable) {
        String value = environment.apply(variable);
        return value == null || value.isBlank() ? null : value.strip();
    }

    private static URI uri(String source, String text, OtlpProtocol protocol, boolean insecure) {
        String withScheme = text.contains("://") ? text : "grpc://" + text;
        try {
            URI given = new URI(withScheme);
            String scheme = scheme(given.getScheme(), insecure);
            if (scheme == null || given.getHost() == null) {
                throw unusable(source, text);
            }
            int port = given.getPort() < 0 && !given.getScheme().startsWith("http")
                    ? protocol.defaultPort()
                    : given.getPort();
            // gRPC has its own path; what stands behind the port would only confuse the exporter.
            String path = protocol == OtlpProtocol.GRPC ? null : given.getPath();
            String query = protocol == OtlpProtocol.GRPC ? null : given.getQuery();
            return new URI(scheme, null, given.getHost(), port, path, query, null);
        } catch (URISyntaxException e) {
            throw unusable(source, text);
        }
    }

    private static String scheme(String given, boolean insecure) {
        return switch (given.toLowerCase(Locale.ROOT)) {
            case "http" -> "http";
            case "https", "grpcs" -> "https";
            case "grpc" -> insecure ? "http" : "https";
            default -> null;
        };
    }

    private static TelemetryConfigException unusable(String source, String text) {
        return new TelemetryConfigException(source + " must be host:port, grpc://host:port, grpcs://host:port, "
                + "http://… or https://…, found \"" + text + "\"");
    }

    private static URI withPath(URI base, OtlpSignal signal) {
        String path = base.getPath() == null ? "" : base.getPath();
        String trimmed = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
        return base.resolve(trimmed + signal.path());
    }
}

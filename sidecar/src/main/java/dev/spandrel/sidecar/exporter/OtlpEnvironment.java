package dev.spandrel.sidecar.exporter;

import dev.spandrel.sidecar.otlp.Signal;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Reads the exporter settings of one signal out of {@code OTEL_EXPORTER_OTLP_*} (specification: OTLP exporter, 1.60):
 * option by option, that of the signal before the general one. Empty means unset. A value that cannot be read is warned
 * of and counts as unset, except the protocol and the endpoint, which stop the start.
 */
public final class OtlpEnvironment {
    private static final String PREFIX = "OTEL_EXPORTER_OTLP_";
    private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(10);

    /** Python's SDK reads this variable in seconds; a value this small was probably meant so. */
    private static final int PROBABLY_SECONDS = 100;

    private record Found(String name, String value, boolean ownOfSignal) {}

    private final Map<String, String> variables;
    private final Consumer<String> warnings;

    /**
     * Wraps a set of variables.
     *
     * @param variables names and values; flags are laid over the environment before
     * @param warnings takes one line for each value that was ignored
     */
    public OtlpEnvironment(Map<String, String> variables, Consumer<String> warnings) {
        this.variables = variables;
        this.warnings = warnings;
    }

    /** The exporter of a signal; empty where no endpoint is set for it. */
    public Optional<ExporterConfig> exporter(Signal signal) throws InvalidConfigException {
        Optional<Found> endpoint = find(signal, "ENDPOINT");
        Protocol protocol = protocol(signal);
        if (endpoint.isEmpty()) {
            return Optional.empty();
        }
        Found at = endpoint.get();
        return Optional.of(new ExporterConfig(
                protocol,
                Endpoint.parse(at.name(), at.value(), protocol, signal, at.ownOfSignal(), insecure(signal)),
                headers(signal),
                gzip(signal),
                timeout(signal),
                file(signal, "CERTIFICATE"),
                file(signal, "CLIENT_KEY"),
                file(signal, "CLIENT_CERTIFICATE")));
    }

    private Optional<Found> find(Signal signal, String option) {
        String own = PREFIX + signal.name() + "_" + option;
        Optional<Found> found = value(own).map(value -> new Found(own, value, true));
        String general = PREFIX + option;
        return found.or(() -> value(general).map(value -> new Found(general, value, false)));
    }

    private Optional<String> value(String name) {
        return Optional.ofNullable(variables.get(name)).filter(value -> !value.isBlank());
    }

    private Protocol protocol(Signal signal) throws InvalidConfigException {
        Optional<Found> found = find(signal, "PROTOCOL");
        return found.isEmpty()
                ? Protocol.GRPC
                : Protocol.parse(found.get().name(), found.get().value());
    }

    private Optional<Boolean> insecure(Signal signal) {
        Optional<Found> found = find(signal, "INSECURE");
        found.filter(f -> !f.value().equalsIgnoreCase("true") && !f.value().equalsIgnoreCase("false"))
                .ifPresent(f -> warn(f, "true or false", "false"));
        return found.map(f -> f.value().equalsIgnoreCase("true"));
    }

    private boolean gzip(Signal signal) {
        Optional<Found> found = find(signal, "COMPRESSION");
        found.filter(f -> !List.of("gzip", "none").contains(f.value().toLowerCase(Locale.ROOT)))
                .ifPresent(f -> warn(f, "gzip or none", "none"));
        return found.filter(f -> f.value().equalsIgnoreCase("gzip")).isPresent();
    }

    private Duration timeout(Signal signal) {
        Optional<Found> found = find(signal, "TIMEOUT");
        if (found.isEmpty()) {
            return DEFAULT_TIMEOUT;
        }
        try {
            long millis = Long.parseLong(found.get().value().strip());
            if (millis >= 0) {
                warnOfSeconds(found.get(), millis);
                return Duration.ofMillis(millis);
            }
        } catch (NumberFormatException e) {
            // warned of below like a negative number
        }
        warn(found.get(), "a number of milliseconds", "10000");
        return DEFAULT_TIMEOUT;
    }

    private void warnOfSeconds(Found found, long millis) {
        if (millis > 0 && millis < PROBABLY_SECONDS) {
            warnings.accept("%s is %d, taken as milliseconds as the specification has it; %d is one for %d seconds"
                    .formatted(found.name(), millis, millis * 1000, millis));
        }
    }

    private Optional<Path> file(Signal signal, String option) {
        return find(signal, option).map(found -> Path.of(found.value()));
    }

    private Map<String, String> headers(Signal signal) {
        Optional<Found> found = find(signal, "HEADERS");
        Map<String, String> headers = new LinkedHashMap<>();
        for (String pair : found.map(f -> f.value().split(",")).orElse(new String[0])) {
            int equals = pair.indexOf('=');
            if (equals > 0) {
                headers.put(
                        pair.substring(0, equals).strip().toLowerCase(Locale.ROOT), decode(pair.substring(equals + 1)));
            } else if (!pair.isBlank()) {
                // the value may be a secret, so only the name of the variable is told
                warnings.accept(found.get().name() + " has an entry without \"=\", which is ignored");
            }
        }
        return headers;
    }

    private static String decode(String value) {
        try {
            // URLDecoder reads forms, where "+" is a space; in a header value it is a plus sign
            return URLDecoder.decode(value.strip().replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return value.strip();
        }
    }

    private void warn(Found found, String expected, String used) {
        warnings.accept("%s is \"%s\", expected %s; using %s".formatted(found.name(), found.value(), expected, used));
    }
}

package dev.spandrel.server.telemetry;

import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/** What {@code OTEL_PROPAGATORS} may say; checked by us, as the SDK's message does not list it. */
final class Propagators {
    private static final String VARIABLE = "OTEL_PROPAGATORS";
    private static final List<String> KNOWN =
            List.of("tracecontext", "baggage", "b3", "b3multi", "jaeger", "ottrace", "none");

    private Propagators() {}

    /** @throws TelemetryConfigException listing what is allowed */
    static void check(UnaryOperator<String> environment) {
        String value = environment.apply(VARIABLE);
        if (value == null || value.isBlank()) {
            return;
        }
        for (String name : Arrays.stream(value.split(",")).map(String::strip).toList()) {
            if (!KNOWN.contains(name)) {
                throw new TelemetryConfigException(
                        VARIABLE + " must be a list of " + String.join(", ", KNOWN) + ", found \"" + name + "\"");
            }
        }
    }
}

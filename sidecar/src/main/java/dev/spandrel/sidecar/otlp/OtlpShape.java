package dev.spandrel.sidecar.otlp;

import static dev.spandrel.sidecar.otlp.ProtobufReader.LENGTH_DELIMITED;

/**
 * Checks that bytes have the shape of an export request and counts the items in them, by walking tags and lengths down
 * to the single span, data point or log record. Unknown fields are stepped over, as the protocol's promise of additive
 * change demands; attribute values are not looked into.
 */
public final class OtlpShape {
    /** Request, resource and scope level share one numbering: field 1 of the request, field 2 of the two below. */
    public static final int REQUEST_RESOURCES = 1;

    public static final int RESOURCE_SCOPES = 2;
    public static final int SCOPE_ITEMS = 2;
    private static final int FIRST_METRIC_KIND = 5;
    private static final int LAST_METRIC_KIND = 11;
    private static final int METRIC_DATA_POINTS = 1;

    private OtlpShape() {}

    /** The items of an export request: spans, data points, log records or profiles. */
    public static int countItems(Signal signal, byte[] request) throws MalformedTelemetryException {
        return countItems(signal, request, 0, request.length);
    }

    /** As {@link #countItems(Signal, byte[])}, of {@code buffer[from, to)}. */
    public static int countItems(Signal signal, byte[] buffer, int from, int to) throws MalformedTelemetryException {
        int items = 0;
        ProtobufReader request = new ProtobufReader(buffer, from, to);
        while (request.next()) {
            if (request.field() == REQUEST_RESOURCES) {
                items += countInResource(signal, request.message());
            }
        }
        return items;
    }

    private static int countInResource(Signal signal, ProtobufReader resource) throws MalformedTelemetryException {
        int items = 0;
        while (resource.next()) {
            if (resource.field() == RESOURCE_SCOPES) {
                items += countInScope(signal, resource.message());
            } else if (resource.field() == 1) {
                resource.require(LENGTH_DELIMITED);
            }
        }
        return items;
    }

    private static int countInScope(Signal signal, ProtobufReader scope) throws MalformedTelemetryException {
        int items = 0;
        while (scope.next()) {
            if (scope.field() == SCOPE_ITEMS) {
                items += countInItem(signal, scope.message());
            }
        }
        return items;
    }

    private static int countInItem(Signal signal, ProtobufReader item) throws MalformedTelemetryException {
        if (signal != Signal.METRICS) {
            walk(item);
            return 1;
        }
        int points = 0;
        while (item.next()) {
            boolean kind = item.field() >= FIRST_METRIC_KIND && item.field() <= LAST_METRIC_KIND;
            if (kind && item.wireType() == LENGTH_DELIMITED) {
                points += countDataPoints(item.message());
            }
        }
        return points;
    }

    private static int countDataPoints(ProtobufReader data) throws MalformedTelemetryException {
        int points = 0;
        while (data.next()) {
            if (data.field() == METRIC_DATA_POINTS) {
                data.require(LENGTH_DELIMITED);
                points++;
            }
        }
        return points;
    }

    private static void walk(ProtobufReader message) throws MalformedTelemetryException {
        while (message.next()) {
            // each step checks one tag and one length
        }
    }
}

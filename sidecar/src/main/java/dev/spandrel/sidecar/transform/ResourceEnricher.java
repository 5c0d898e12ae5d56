package dev.spandrel.sidecar.transform;

import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.ProtobufReader;
import dev.spandrel.sidecar.otlp.ProtobufWriter;
import dev.spandrel.sidecar.otlp.Signal;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Adds attributes to every resource that does not have them; what the sender set is never changed. */
public final class ResourceEnricher implements Transform {
    // the same numbers in all four signals: request.resource_x, resource_x.resource, resource.attributes, key and value
    private static final int REQUEST_RESOURCES = 1;
    private static final int RESOURCE = 1;
    private static final int ATTRIBUTES = 1;
    private static final int KEY = 1;

    /** Each attribute as an encoded {@code KeyValue}, by its key. */
    private final Map<String, byte[]> attributes = new LinkedHashMap<>();

    public ResourceEnricher(Map<String, String> attributes) {
        attributes.forEach((key, value) -> this.attributes.put(key, KeyValues.text(key, value)));
    }

    @Override
    public byte[] apply(Signal signal, byte[] body) throws MalformedTelemetryException {
        return FieldCopy.of(body, 0, body.length, field -> {
                    boolean entry = field.is(REQUEST_RESOURCES, ProtobufReader.LENGTH_DELIMITED);
                    return entry ? enrich(field) : Optional.empty();
                })
                .orElse(body);
    }

    /** One resource with its telemetry. A resource in two parts, legal if odd, gets the attributes in its first. */
    private Optional<byte[]> enrich(ProtobufReader entry) throws MalformedTelemetryException {
        byte[] missing = missing(keys(entry));
        if (missing.length == 0) {
            return Optional.empty();
        }
        boolean[] done = {false};
        Optional<byte[]> copy = FieldCopy.of(entry.buffer(), entry.valueStart(), entry.valueEnd(), field -> {
            if (done[0] || !field.is(RESOURCE, ProtobufReader.LENGTH_DELIMITED)) {
                return Optional.empty();
            }
            done[0] = true;
            return Optional.of(new ProtobufWriter()
                    .raw(field.buffer(), field.valueStart(), field.valueEnd())
                    .raw(missing, 0, missing.length)
                    .toByteArray());
        });
        return copy.isPresent()
                ? copy
                : Optional.of(new ProtobufWriter()
                        .bytes(RESOURCE, missing)
                        .raw(entry.buffer(), entry.valueStart(), entry.valueEnd())
                        .toByteArray());
    }

    private static Set<String> keys(ProtobufReader entry) throws MalformedTelemetryException {
        Set<String> keys = new HashSet<>();
        ProtobufReader fields = entry.message();
        while (fields.next()) {
            if (fields.is(RESOURCE, ProtobufReader.LENGTH_DELIMITED)) {
                addKeys(fields.message(), keys);
            }
        }
        return keys;
    }

    private static void addKeys(ProtobufReader resource, Set<String> keys) throws MalformedTelemetryException {
        while (resource.next()) {
            if (resource.is(ATTRIBUTES, ProtobufReader.LENGTH_DELIMITED)) {
                ProtobufReader attribute = resource.message();
                while (attribute.next()) {
                    if (attribute.is(KEY, ProtobufReader.LENGTH_DELIMITED)) {
                        keys.add(attribute.string());
                    }
                }
            }
        }
    }

    private byte[] missing(Set<String> present) {
        ProtobufWriter fields = new ProtobufWriter();
        attributes.forEach((key, encoded) -> {
            if (!present.contains(key)) {
                fields.bytes(ATTRIBUTES, encoded);
            }
        });
        return fields.toByteArray();
    }
}

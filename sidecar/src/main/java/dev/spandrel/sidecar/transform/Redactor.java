package dev.spandrel.sidecar.transform;

import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.OtlpSchema;
import dev.spandrel.sidecar.otlp.ProtobufReader;
import dev.spandrel.sidecar.otlp.Signal;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Masks attributes by name and parts of texts by pattern, before anything is written to disk. Attributes are those of
 * resources, scopes, spans, events, links, data points, exemplars and log records, with the keys of nested maps; texts are
 * their values, log bodies, span names and status messages. A request that cannot be read to the last attribute is refused,
 * since it could hold what must not pass. Profiles keep their texts in tables, which are not looked into.
 */
public final class Redactor implements Transform {
    private static final String MASK = "[redacted]";
    private static final byte[] MASKED_VALUE = KeyValues.text(MASK);
    private static final Set<String> TEXTS = Set.of("AnyValue.stringValue", "Span.name", "Status.message");
    private static final String CONTENT_EVENTS = "gen_ai.";

    /** As deep as protobuf's own parsers go; deeper is an attack on the stack. */
    private static final int MAX_DEPTH = 100;

    private final RedactionRules rules;

    public Redactor(RedactionRules rules) {
        this.rules = rules;
    }

    @Override
    public byte[] apply(Signal signal, byte[] body) throws MalformedTelemetryException {
        Optional<OtlpSchema.Message> request = OtlpSchema.request(signal);
        return request.isEmpty()
                ? body
                : rewrite(request.get(), body, 0, body.length, 0).orElse(body);
    }

    private Optional<byte[]> rewrite(OtlpSchema.Message type, byte[] buffer, int from, int to, int depth)
            throws MalformedTelemetryException {
        if (depth > MAX_DEPTH) {
            throw new MalformedTelemetryException("values nest deeper than " + MAX_DEPTH);
        }
        boolean hideBody = type.name().equals("LogRecord") && rules.content() && isContentEvent(buffer, from, to);
        return FieldCopy.of(buffer, from, to, field -> {
            Optional<OtlpSchema.Field> known = type.field(field.field());
            if (known.isEmpty() || field.wireType() != ProtobufReader.LENGTH_DELIMITED) {
                return Optional.empty();
            }
            if (hideBody && known.get().jsonName().equals("body")) {
                return Optional.of(MASKED_VALUE);
            }
            return value(type, known.get(), field, depth);
        });
    }

    private Optional<byte[]> value(OtlpSchema.Message type, OtlpSchema.Field known, ProtobufReader field, int depth)
            throws MalformedTelemetryException {
        if (known.kind() == OtlpSchema.Kind.MESSAGE) {
            OtlpSchema.Message nested = OtlpSchema.nested(known);
            Optional<byte[]> hidden = nested.name().equals("KeyValue") ? hidden(field) : Optional.empty();
            return hidden.isPresent()
                    ? hidden
                    : rewrite(nested, field.buffer(), field.valueStart(), field.valueEnd(), depth + 1);
        }
        boolean text = !rules.patterns().isEmpty() && TEXTS.contains(type.name() + "." + known.jsonName());
        return text ? masked(field.string()) : Optional.empty();
    }

    /** The attribute with its value masked where its key asks for it. A key given twice, legal if odd, counts each time. */
    private Optional<byte[]> hidden(ProtobufReader attribute) throws MalformedTelemetryException {
        String key = "";
        boolean hides = false;
        ProtobufReader fields = attribute.message();
        while (fields.next()) {
            if (fields.is(1, ProtobufReader.LENGTH_DELIMITED)) {
                key = fields.string();
                hides |= rules.hides(key);
            }
        }
        return hides ? Optional.of(KeyValues.text(key, MASK)) : Optional.empty();
    }

    private Optional<byte[]> masked(String text) {
        String result = text;
        for (Pattern pattern : rules.patterns()) {
            try {
                result = pattern.matcher(result).replaceAll(MASK);
            } catch (StackOverflowError e) {
                // java.util.regex recurses on long texts; what could not be looked through does not pass
                result = MASK;
            }
        }
        return result.equals(text) ? Optional.empty() : Optional.of(result.getBytes(StandardCharsets.UTF_8));
    }

    private static boolean isContentEvent(byte[] buffer, int from, int to) throws MalformedTelemetryException {
        ProtobufReader fields = new ProtobufReader(buffer, from, to);
        while (fields.next()) {
            if (fields.is(12, ProtobufReader.LENGTH_DELIMITED)
                            && fields.string().startsWith(CONTENT_EVENTS)
                    || fields.is(6, ProtobufReader.LENGTH_DELIMITED) && namesContentEvent(fields.message())) {
                return true;
            }
        }
        return false;
    }

    /** Before events had a field for their name it was an attribute. */
    private static boolean namesContentEvent(ProtobufReader attribute) throws MalformedTelemetryException {
        boolean name = false;
        boolean content = false;
        while (attribute.next()) {
            if (attribute.is(1, ProtobufReader.LENGTH_DELIMITED)) {
                name = attribute.string().equals("event.name");
            } else if (attribute.is(2, ProtobufReader.LENGTH_DELIMITED)) {
                ProtobufReader value = attribute.message();
                while (value.next()) {
                    content |= value.is(1, ProtobufReader.LENGTH_DELIMITED)
                            && value.string().startsWith(CONTENT_EVENTS);
                }
            }
        }
        return name && content;
    }
}

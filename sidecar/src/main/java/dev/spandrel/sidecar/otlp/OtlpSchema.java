package dev.spandrel.sidecar.otlp;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The messages of the stable OTLP signals (opentelemetry-proto 1.11): each field with its number, its JSON name and how
 * it is encoded. {@code *} marks a repeated field. {@code hex} are the ids, which OTLP/JSON writes in hex where proto3
 * JSON has base64.
 */
public final class OtlpSchema {
    private static final String MESSAGES = """
            TraceRequest: 1 resourceSpans ResourceSpans*
            ResourceSpans: 1 resource Resource, 2 scopeSpans ScopeSpans*, 3 schemaUrl string
            ScopeSpans: 1 scope Scope, 2 spans Span*, 3 schemaUrl string
            Span: 1 traceId hex, 2 spanId hex, 3 traceState string, 4 parentSpanId hex, 5 name string, 6 kind enum, \
            7 startTimeUnixNano fixed64, 8 endTimeUnixNano fixed64, 9 attributes KeyValue*, \
            10 droppedAttributesCount uint32, 11 events Event*, 12 droppedEventsCount uint32, 13 links Link*, \
            14 droppedLinksCount uint32, 15 status Status, 16 flags fixed32
            Event: 1 timeUnixNano fixed64, 2 name string, 3 attributes KeyValue*, 4 droppedAttributesCount uint32
            Link: 1 traceId hex, 2 spanId hex, 3 traceState string, 4 attributes KeyValue*, \
            5 droppedAttributesCount uint32, 6 flags fixed32
            Status: 2 message string, 3 code enum
            Resource: 1 attributes KeyValue*, 2 droppedAttributesCount uint32, 3 entityRefs EntityRef*
            EntityRef: 1 schemaUrl string, 2 type string, 3 idKeys string*, 4 descriptionKeys string*
            Scope: 1 name string, 2 version string, 3 attributes KeyValue*, 4 droppedAttributesCount uint32
            KeyValue: 1 key string, 2 value AnyValue
            AnyValue: 1 stringValue string, 2 boolValue bool, 3 intValue int64, 4 doubleValue double, \
            5 arrayValue ArrayValue, 6 kvlistValue KeyValueList, 7 bytesValue bytes
            ArrayValue: 1 values AnyValue*
            KeyValueList: 1 values KeyValue*
            MetricsRequest: 1 resourceMetrics ResourceMetrics*
            ResourceMetrics: 1 resource Resource, 2 scopeMetrics ScopeMetrics*, 3 schemaUrl string
            ScopeMetrics: 1 scope Scope, 2 metrics Metric*, 3 schemaUrl string
            Metric: 1 name string, 2 description string, 3 unit string, 5 gauge Gauge, 7 sum Sum, \
            9 histogram Histogram, 10 exponentialHistogram ExponentialHistogram, 11 summary Summary, \
            12 metadata KeyValue*
            Gauge: 1 dataPoints NumberDataPoint*
            Sum: 1 dataPoints NumberDataPoint*, 2 aggregationTemporality enum, 3 isMonotonic bool
            Histogram: 1 dataPoints HistogramDataPoint*, 2 aggregationTemporality enum
            ExponentialHistogram: 1 dataPoints ExponentialHistogramDataPoint*, 2 aggregationTemporality enum
            Summary: 1 dataPoints SummaryDataPoint*
            NumberDataPoint: 2 startTimeUnixNano fixed64, 3 timeUnixNano fixed64, 4 asDouble double, \
            5 exemplars Exemplar*, 6 asInt sfixed64, 7 attributes KeyValue*, 8 flags uint32
            HistogramDataPoint: 2 startTimeUnixNano fixed64, 3 timeUnixNano fixed64, 4 count fixed64, 5 sum double, \
            6 bucketCounts fixed64*, 7 explicitBounds double*, 8 exemplars Exemplar*, 9 attributes KeyValue*, \
            10 flags uint32, 11 min double, 12 max double
            ExponentialHistogramDataPoint: 1 attributes KeyValue*, 2 startTimeUnixNano fixed64, \
            3 timeUnixNano fixed64, 4 count fixed64, 5 sum double, 6 scale sint32, 7 zeroCount fixed64, \
            8 positive Buckets, 9 negative Buckets, 10 flags uint32, 11 exemplars Exemplar*, 12 min double, \
            13 max double, 14 zeroThreshold double
            Buckets: 1 offset sint32, 2 bucketCounts uint64*
            SummaryDataPoint: 2 startTimeUnixNano fixed64, 3 timeUnixNano fixed64, 4 count fixed64, 5 sum double, \
            6 quantileValues ValueAtQuantile*, 7 attributes KeyValue*, 8 flags uint32
            ValueAtQuantile: 1 quantile double, 2 value double
            Exemplar: 2 timeUnixNano fixed64, 3 asDouble double, 4 spanId hex, 5 traceId hex, 6 asInt sfixed64, \
            7 filteredAttributes KeyValue*
            LogsRequest: 1 resourceLogs ResourceLogs*
            ResourceLogs: 1 resource Resource, 2 scopeLogs ScopeLogs*, 3 schemaUrl string
            ScopeLogs: 1 scope Scope, 2 logRecords LogRecord*, 3 schemaUrl string
            LogRecord: 1 timeUnixNano fixed64, 2 severityNumber enum, 3 severityText string, 5 body AnyValue, \
            6 attributes KeyValue*, 7 droppedAttributesCount uint32, 8 flags fixed32, 9 traceId hex, 10 spanId hex, \
            11 observedTimeUnixNano fixed64, 12 eventName string
            """;

    /** How a value is encoded; everything from {@link #STRING} on is length-delimited. */
    public enum Kind {
        BOOL,
        ENUM,
        UINT32,
        SINT32,
        INT64,
        UINT64,
        FIXED32,
        FIXED64,
        SFIXED64,
        DOUBLE,
        STRING,
        HEX,
        BYTES,
        MESSAGE;

        /** Whether several values stand in one length-delimited field. */
        public boolean packable() {
            return compareTo(STRING) < 0;
        }
    }

    /**
     * One field.
     *
     * @param message the nested message's name where the kind is MESSAGE
     */
    public record Field(int number, String jsonName, Kind kind, String message, boolean repeated) {}

    /** The fields of one message, by number and by JSON name. */
    public static final class Message {
        private final String name;
        private final Map<Integer, Field> byNumber = new LinkedHashMap<>();
        private final Map<String, Field> byName = new HashMap<>();

        private Message(String name) {
            this.name = name;
        }

        /** The message as the protocol names it, without its package. */
        public String name() {
            return name;
        }

        public Optional<Field> field(int number) {
            return Optional.ofNullable(byNumber.get(number));
        }

        public Optional<Field> field(String jsonName) {
            return Optional.ofNullable(byName.get(jsonName));
        }
    }

    private static final Map<String, Message> BY_NAME = parse();

    private OtlpSchema() {}

    /** The export request of a signal; empty for profiles, which are too young for a JSON form here. */
    public static Optional<Message> request(Signal signal) {
        return switch (signal) {
            case TRACES -> Optional.of(BY_NAME.get("TraceRequest"));
            case METRICS -> Optional.of(BY_NAME.get("MetricsRequest"));
            case LOGS -> Optional.of(BY_NAME.get("LogsRequest"));
            case PROFILES -> Optional.empty();
        };
    }

    /** The message that a field of kind MESSAGE holds. */
    public static Message nested(Field field) {
        return BY_NAME.get(field.message());
    }

    private static Map<String, Message> parse() {
        Map<String, Message> messages = new HashMap<>();
        MESSAGES.lines().forEach(line -> {
            String[] nameAndFields = line.split(": ");
            Message message = new Message(nameAndFields[0]);
            for (String field : nameAndFields[1].split(", ")) {
                add(message, field.strip().split(" "));
            }
            messages.put(nameAndFields[0], message);
        });
        return messages;
    }

    private static void add(Message message, String... words) {
        boolean repeated = words[2].endsWith("*");
        String type = repeated ? words[2].substring(0, words[2].length() - 1) : words[2];
        Kind kind = Character.isUpperCase(type.charAt(0)) ? Kind.MESSAGE : Kind.valueOf(type.toUpperCase(Locale.ROOT));
        Field field = new Field(Integer.parseInt(words[0]), words[1], kind, type, repeated);
        message.byNumber.put(field.number(), field);
        message.byName.put(field.jsonName(), field);
    }
}

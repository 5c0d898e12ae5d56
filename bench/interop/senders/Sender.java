import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.concurrent.TimeUnit;

/** Sends one tree of three spans by the OpenTelemetry SDK of Java. Arguments: protocol, endpoint. Prints the trace id. */
final class Sender {
    private Sender() {}

    public static void main(String[] args) {
        SpanExporter exporter = args[0].equals("grpc")
                ? OtlpGrpcSpanExporter.builder().setEndpoint(args[1]).build()
                : OtlpHttpSpanExporter.builder().setEndpoint(args[1] + "/v1/traces").build();
        SdkTracerProvider provider = SdkTracerProvider.builder()
                .setResource(Resource.create(Attributes.of(AttributeKey.stringKey("service.name"), "sender")))
                .addSpanProcessor(BatchSpanProcessor.builder(exporter).build())
                .build();
        Tracer tracer = provider.get("senders");
        Span root = tracer.spanBuilder("root").setNoParent().setSpanKind(SpanKind.CLIENT).startSpan();
        Span child = tracer.spanBuilder("child").setParent(Context.root().with(root)).startSpan();
        Span grandchild = tracer.spanBuilder("grandchild").setParent(Context.root().with(child)).startSpan();
        child.setAttribute("language", "ünïcode ✓");
        child.addEvent("halfway", Attributes.of(AttributeKey.longKey("tokens"), 3L));
        grandchild.end();
        child.end();
        root.end();
        provider.shutdown().join(30, TimeUnit.SECONDS);
        System.out.println(root.getSpanContext().getTraceId());
    }
}

// Sends one tree of three spans by the OpenTelemetry SDK of JavaScript. Arguments: protocol, endpoint. Prints the trace id.
import { context, SpanKind, trace } from "@opentelemetry/api";
import { OTLPTraceExporter as Grpc } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as Json } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as Protobuf } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { TracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace";

const [protocol, endpoint] = process.argv.slice(2);
const exporter = {
  grpc: () => new Grpc({ url: endpoint }),
  "http/protobuf": () => new Protobuf({ url: `${endpoint}/v1/traces` }),
  "http/json": () => new Json({ url: `${endpoint}/v1/traces` }),
}[protocol]();
const provider = new TracerProvider({
  resource: resourceFromAttributes({ "service.name": "sender" }),
  spanProcessors: [new BatchSpanProcessor({ exporter })],
});
const tracer = provider.getTracer("senders");
const root = tracer.startSpan("root", { kind: SpanKind.CLIENT });
const inRoot = trace.setSpan(context.active(), root);
const child = tracer.startSpan("child", { attributes: { language: "ünïcode ✓" } }, inRoot);
const grandchild = tracer.startSpan("grandchild", {}, trace.setSpan(context.active(), child));
child.addEvent("halfway", { tokens: 3 });
for (const span of [grandchild, child, root]) span.end();
await provider.shutdown();
console.log(root.spanContext().traceId);

"""Sends one tree of three spans by the OpenTelemetry SDK of Python. Arguments: protocol, endpoint. Prints the trace id."""

import sys

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind


def exporter(protocol, endpoint):
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(endpoint=endpoint, insecure=True)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=endpoint + "/v1/traces")


def main(protocol, endpoint):
    provider = TracerProvider(resource=Resource.create({"service.name": "sender"}))
    provider.add_span_processor(BatchSpanProcessor(exporter(protocol, endpoint)))
    tracer = provider.get_tracer("senders")
    with tracer.start_as_current_span("root", kind=SpanKind.CLIENT) as root:
        with tracer.start_as_current_span("child") as child:
            child.set_attribute("language", "ünïcode ✓")
            with tracer.start_as_current_span("grandchild"):
                child.add_event("halfway", {"tokens": 3})
    provider.shutdown()
    print("%032x" % root.get_span_context().trace_id)


main(*sys.argv[1:])

"""The client of vLLM's OpenTelemetry example in our own words: one CLIENT span around one completion with beam search."""

import sys

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, set_tracer_provider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
set_tracer_provider(provider)
tracer = provider.get_tracer("dummy-client")

with tracer.start_as_current_span("client-span", kind=SpanKind.CLIENT) as span:
    prompt = "San Francisco is a"
    span.set_attribute("prompt", prompt)
    headers = {}
    TraceContextTextMapPropagator().inject(headers)
    body = {
        "model": sys.argv[2] if len(sys.argv) > 2 else "spandrel-tiny",
        "prompt": prompt,
        "max_tokens": 10,
        "n": 3,
        "use_beam_search": "true",
        "temperature": 0.0,
    }
    answer = requests.post(sys.argv[1] + "/v1/completions", headers=headers, json=body, timeout=60)
    print(answer.status_code, [choice["text"] for choice in answer.json()["choices"]])
provider.shutdown()

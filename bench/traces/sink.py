"""An OTLP/HTTP backend that takes and forgets; with --print it shows spans as lines of name, ids and attributes."""

import gzip
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def main():
    show = "--print" in sys.argv

    class Sink(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if show and self.path == "/v1/traces":
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                print_spans(body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    print(server.server_address[1], flush=True)
    server.serve_forever()


def print_spans(body):
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
        for scope in resource.scope_spans:
            for span in scope.spans:
                keys = " ".join(
                    f"{a.key}={a.value.ListFields()[0][1] if a.value.ListFields() else ''}".replace("\n", " ")
                    for a in sorted(span.attributes, key=lambda a: a.key)
                )
                print(
                    f"{span.trace_id.hex()} {span.span_id.hex()} parent={span.parent_span_id.hex() or '-'}"
                    f" {service} {span.name} {keys}",
                    flush=True,
                )


if __name__ == "__main__":
    main()

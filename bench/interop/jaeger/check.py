"""One completion by the example client, sent to a real Jaeger by each way there is, and read back from /api/v3/traces."""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PATIENCE = 60
TREE = """\
client-service client-span CLIENT
  vllm-server POST /v1/completions SERVER
    vllm-server llm_request SERVER
      vllm-server tokenize INTERNAL
      vllm-server queue INTERNAL
      vllm-server prefill INTERNAL
        vllm-server prefill_chunk INTERNAL
      vllm-server decode INTERNAL
      vllm-server finish INTERNAL"""
KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def until(what, look):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = look()
        if found is not None:
            return found
        time.sleep(0.1)
    sys.exit(f"waited {PATIENCE} s in vain for {what}")


class Processes:
    """What runs, with a log each; stopped in reverse order."""

    def __init__(self, folder):
        self.folder, self.running = pathlib.Path(folder), []

    def start(self, name, command, **variables):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
        environment.update(variables, SPANDREL_NO_BUILD="1")
        log = self.folder / f"{name}-{len(self.running)}.log"
        with log.open("w") as file:
            process = subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT)
        self.running.append(process)
        return process, log

    def ready(self, started, pattern):
        process, log = started

        def look():
            ended = process.poll() is not None
            found = re.search(pattern, log.read_text())
            if ended and not found:
                sys.exit(f"{log.name} ended without {pattern}:\n{log.read_text()}")
            return found

        return until(f"{pattern} in {log.name}", look)

    def stop(self, count):
        for process in reversed(self.running[-count:]):
            process.terminate()
            process.wait(30)
            self.running.remove(process)


def spans(query, trace_id):
    """Spans of a trace by id, with the service's name; None while there are fewer than expected."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{query}/api/v3/traces/{trace_id}") as answer:
            result = json.load(answer)["result"]
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise
    found = {}
    for resource in result["resourceSpans"]:
        service = values(resource["resource"])["service.name"]
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                found[span["spanId"]] = dict(span, service=service, attributes=values(span))
    return found if len(found) >= len(TREE.splitlines()) else None


def values(holder):
    return {each["key"]: next(iter(each["value"].values()), None) for each in holder.get("attributes", [])}


def kind(span):
    given = span.get("kind", 0)
    return KINDS[given] if isinstance(given, int) else given.removeprefix("SPAN_KIND_")


def tree(found, parent="", depth=0):
    below = [span for span in found.values() if span.get("parentSpanId", "") == parent]
    lines = []
    for span in sorted(below, key=lambda span: (int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"]))):
        lines.append(f"{'  ' * depth}{span['service']} {span['name']} {kind(span)}")
        lines += tree(found, span["spanId"], depth + 1)
    return lines


def ask(processes, way, query, endpoint, protocol, client_endpoint, client_protocol):
    """A server and a client told where to send; the tree that Jaeger has afterwards."""
    common = {"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_EXPORTER_OTLP_TRACES_INSECURE": "true"}
    server = processes.start(
        "server",
        [str(ROOT / "spandrel"), "serve", "--model", "spandrel-tiny", "--host", "127.0.0.1", "--port", "0",
         f"--otlp-traces-endpoint={endpoint}", "--collect-detailed-traces=request"],
        **common, OTEL_SERVICE_NAME="vllm-server", OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=protocol,
    )
    url = processes.ready(server, r"ready: (http://[0-9.:]+)").group(1)
    client = processes.start(
        "client",
        [str(ROOT / "spandrel"), "client", "--base-url", url, "Once upon a time"],
        **common, OTEL_SERVICE_NAME="client-service", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=client_endpoint,
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=client_protocol,
    )
    trace_id = processes.ready(client, r"trace id: ([0-9a-f]{32})").group(1)
    found = until(f"the trace {trace_id} ({way})", lambda: spans(query, trace_id))
    processes.stop(2)
    check(way, found)


def check(way, found):
    seen = "\n".join(tree(found))
    if seen != TREE:
        sys.exit(f"{way}: expected\n{TREE}\nfound\n{seen}")
    by_name = {span["name"]: span["attributes"] for span in found.values()}
    request = by_name["llm_request"]
    for wrong in [
        by_name["client-span"].get("prompt") != "Once upon a time",
        by_name["POST /v1/completions"].get("http.route") != "/v1/completions",
        int(request.get("gen_ai.usage.prompt_tokens", 0)) < 1,
        int(request.get("gen_ai.usage.completion_tokens", 0)) < 1,
        float(request.get("gen_ai.latency.e2e", 0)) <= 0,
        request.get("gen_ai.provider.name") != "spandrel",
    ]:
        if wrong:
            sys.exit(f"{way}: attributes differ: {by_name}")
    print(f"ok: {way}: {len(found)} spans, the same tree")


def main():
    jaeger = subprocess.check_output([str(HERE.parent / "tools" / "build.sh"), "jaeger"], text=True).strip()
    subprocess.check_call([str(ROOT / "spandrel"), "build"])
    grpc, http, query, query_grpc = free_ports(4)
    with tempfile.TemporaryDirectory() as folder:
        processes = Processes(folder)
        try:
            processes.start(
                "jaeger", [jaeger, "--config", str(HERE / "jaeger.yaml")],
                GRPC_PORT=str(grpc), HTTP_PORT=str(http), QUERY_PORT=str(query), QUERY_GRPC_PORT=str(query_grpc),
            )
            until("Jaeger's ports", lambda: listening(grpc, http, query) or None)
            by_grpc, by_http = f"grpc://127.0.0.1:{grpc}", f"http://127.0.0.1:{http}/v1/traces"
            ask(processes, "gRPC", query, by_grpc, "grpc", by_grpc, "grpc")
            ask(processes, "http/protobuf", query, by_http, "http/protobuf", by_http, "http/protobuf")
            for out, target in [("grpc", f"http://127.0.0.1:{grpc}"), ("http/protobuf", f"http://127.0.0.1:{http}")]:
                through_sidecar(processes, query, out, target)
            print(f"The tree, each time:\n{TREE}")
        finally:
            processes.stop(len(processes.running))


def through_sidecar(processes, query, protocol, target):
    sidecar = processes.start(
        "sidecar",
        [str(ROOT / "spandrel"), "sidecar", "--grpc-port", "0", "--http-port", "0", "--health-port", "0",
         "--journal-dir", tempfile.mkdtemp(dir=processes.folder)],
        OTEL_EXPORTER_OTLP_ENDPOINT=target, OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
    )
    port = processes.ready(sidecar, r"ready: grpc [^ ]*?:(\d+)").group(1)
    mine = f"grpc://127.0.0.1:{port}"
    ask(processes, f"gRPC to the sidecar, {protocol} from there", query, mine, "grpc", mine, "grpc")
    processes.stop(1)


def listening(*ports):
    for port in ports:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return False
    return True


if __name__ == "__main__":
    main()

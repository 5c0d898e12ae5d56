"""The SDK exporters of Java, Python and JavaScript, by every protocol each has, through one sidecar to a real Jaeger (gRPC)
and a real OpenTelemetry Collector (http/protobuf, and once more as http/json); the tree is read back from both."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import json

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "jaeger"))
from check import ROOT, Processes, free_ports, kind, listening, until, values  # noqa: E402

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "spandrel" / "senders"
TREE = [("root", "", "CLIENT"), ("child", "root", "INTERNAL"), ("grandchild", "child", "INTERNAL")]
WORD = "ünïcode ✓"


def senders(folder):
    """Commands by language and protocol; what a language needs is installed under the cache folder first."""
    jdk = subprocess.check_output([str(ROOT / "spandrel"), "jdk"], text=True).strip()
    libraries = f"{ROOT}/server/target/lib/*"
    subprocess.check_call([f"{jdk}/bin/javac", "-cp", libraries, "-d", folder, str(HERE / "Sender.java")])
    java = [f"{jdk}/bin/java", "-cp", f"{folder}:{libraries}", "Sender"]
    venv = CACHE / "python"
    if not (venv / "bin" / "python").exists():
        subprocess.check_call([sys.executable, "-m", "venv", str(venv)])
    subprocess.check_call([str(venv / "bin" / "pip"), "install", "-q", "-r", str(HERE / "requirements.txt")])
    python = [str(venv / "bin" / "python"), str(HERE / "sender.py")]
    node = CACHE / "node"
    node.mkdir(parents=True, exist_ok=True)
    for name in ["package.json", "package-lock.json", ".npmrc", "sender.mjs"]:
        shutil.copy(HERE / name, node / name)
    subprocess.check_call(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=node)
    javascript = ["node", str(node / "sender.mjs")]
    return (
        [("Java", protocol, java) for protocol in ["grpc", "http/protobuf"]]
        + [("Python", protocol, python) for protocol in ["grpc", "http/protobuf"]]
        + [("JavaScript", protocol, javascript) for protocol in ["grpc", "http/protobuf", "http/json"]]
    )


def in_jaeger(query, trace_id):
    """(name, parent's name, kind) of each span; None until all are there."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{query}/api/v3/traces/{trace_id}") as answer:
            result = json.load(answer)["result"]
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise
    spans = [span for r in result["resourceSpans"] for s in r["scopeSpans"] for span in s["spans"]]
    if len(spans) < len(TREE):
        return None
    names = {span["spanId"]: span["name"] for span in spans}
    child = next(span for span in spans if span["name"] == "child")
    if values(child).get("language") != WORD or child["events"][0]["name"] != "halfway":
        sys.exit(f"attributes or events differ: {child}")
    return sorted((span["name"], names.get(span.get("parentSpanId", ""), ""), kind(span)) for span in spans)


def in_collector(log, trace_id):
    """As in_jaeger, of each copy; None until both are there."""
    found = re.findall(
        r"Trace ID\s+: (\w+)\s+Parent ID\s+: (\w*)\s+ID\s+: (\w+)\s+Name\s+: (\S+)\s+Kind\s+: (\w+)", log.read_text()
    )
    spans = [span[1:] for span in found if span[0] == trace_id]
    if len(spans) < 2 * len(TREE):
        return None
    names = {span: name for _, span, name, _ in spans}
    return sorted((name, names.get(parent, ""), kind.upper()) for parent, _, name, kind in spans)


def main():
    tools = HERE.parent / "tools" / "build.sh"
    jaeger, collector = (
        subprocess.check_output([str(tools), tool], text=True).strip() for tool in ["jaeger", "collector"]
    )
    subprocess.check_call([str(ROOT / "spandrel"), "build"])
    grpc, http, query, query_grpc, own_grpc, own_http = free_ports(6)
    with tempfile.TemporaryDirectory() as folder:
        processes = Processes(folder)
        try:
            processes.start(
                "jaeger", [jaeger, "--config", str(HERE.parent / "jaeger" / "jaeger.yaml")],
                GRPC_PORT=str(grpc), HTTP_PORT=str(http), QUERY_PORT=str(query), QUERY_GRPC_PORT=str(query_grpc),
            )
            _, log = processes.start(
                "collector", [collector, "--config", str(HERE / "collector.yaml")],
                GRPC_PORT=str(own_grpc), HTTP_PORT=str(own_http),
            )
            until("the backends' ports", lambda: listening(grpc, query, own_http) or None)
            sidecar = processes.start(
                "sidecar",
                [str(ROOT / "spandrel"), "sidecar", "--grpc-port", "0", "--http-port", "0", "--health-port", "0",
                 "--journal-dir", tempfile.mkdtemp(dir=folder),
                 "--destination", f"protobuf.endpoint=http://127.0.0.1:{own_http}",
                 "--destination", "protobuf.protocol=http/protobuf",
                 "--destination", f"json.endpoint=http://127.0.0.1:{own_http}",
                 "--destination", "json.protocol=http/json"],
                OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"http://127.0.0.1:{grpc}",
            )
            ports = processes.ready(sidecar, r"ready: grpc [^ ]*?:(\d+), http [^ ]*?:(\d+),")
            for language, protocol, command in senders(folder):
                port = ports.group(1 if protocol == "grpc" else 2)
                trace_id = subprocess.check_output(
                    [*command, protocol, f"http://127.0.0.1:{port}"], text=True
                ).strip()
                way = f"{language}, {protocol}"
                found = until(f"{way} in Jaeger", lambda: in_jaeger(query, trace_id))
                twice = until(f"{way} in the Collector", lambda: in_collector(log, trace_id))
                if found != sorted(TREE) or twice != sorted(TREE * 2):
                    sys.exit(f"{way}: expected {sorted(TREE)}, Jaeger has {found}, the Collector {twice}")
                print(f"ok: {way}: three spans in one tree, in Jaeger and in the Collector")
        finally:
            processes.stop(len(processes.running))


if __name__ == "__main__":
    main()

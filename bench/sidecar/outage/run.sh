#!/usr/bin/env bash
# An outage until the journal is full: 10,000 spans/s without a backend until the sidecar answers UNAVAILABLE with RetryInfo,
# then the backend comes and must get every acknowledged span. Usage: bench/sidecar/outage/run.sh [JOURNAL_BYTES]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
bytes=${1:-268435456}
[ -n "${SPANDREL_NO_BUILD:-}" ] || "$root/spandrel" build
jdk=$("$root/spandrel" jdk)
work=$(mktemp -d)
pid=''
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
libraries=$root/sidecar/target/classes:$root/sidecar/target/lib/*
"$jdk/bin/javac" -proc:none -cp "$libraries" -d "$work" "$root"/bench/sidecar/{load/LoadBench,outage/OutageBench}.java
port=14317 sink=14318
SPANDREL_NO_BUILD=1 "$root/spandrel" sidecar --grpc-port $port --http-port 0 --health-port 0 --journal-dir "$work/kept" \
  --journal-max-bytes "$bytes" --otlp-traces-endpoint 127.0.0.1:$sink >"$work/log" 2>&1 &
pid=$!
until grep -q ready "$work/log"; do sleep 0.05; done
"$jdk/bin/java" -XX:+UseSerialGC --sun-misc-unsafe-memory-access=allow -cp "$work:$libraries" OutageBench $port "$pid" $sink
kill "$pid"
wait "$pid" || true
pid=''

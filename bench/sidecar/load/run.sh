#!/usr/bin/env bash
# Spans per second and core from sender to backend, journal synced, and at 10,000 spans/s, beside the OpenTelemetry
# Collector in the same run where COLLECTOR names its binary. Usage: [COLLECTOR=otelcol] bench/sidecar/load/run.sh [SECONDS]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
seconds=${1:-10}
[ -n "${SPANDREL_NO_BUILD:-}" ] || "$root/spandrel" build
jdk=$("$root/spandrel" jdk)
work=$(mktemp -d)
pid=''
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
libraries=$root/sidecar/target/classes:$root/sidecar/target/lib/*
"$jdk/bin/javac" -proc:none -cp "$libraries" -d "$work" "$root/bench/sidecar/load/LoadBench.java"
port=14317 sink=14318

await_port() {
  for _ in $(seq 500); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
    sleep 0.02
  done
  cat "$work/log" >&2
  exit 1
}

measure() { # NAME COMMAND...
  local name=$1 rate
  shift
  for rate in 0 10000; do
    rm -rf "$work/kept"
    "$@" >"$work/log" 2>&1 &
    pid=$!
    await_port
    "$jdk/bin/java" -XX:+UseSerialGC --sun-misc-unsafe-memory-access=allow -cp "$work:$libraries" LoadBench \
      "$name$rate" "$port" "$pid" "$sink" "$seconds" "$rate" 2>>"$work/log" || cat "$work/log"
    kill "$pid"
    wait "$pid" || true
    pid=''
  done
}

# as the launcher starts it
measure 'sidecar ' "$jdk/bin/java" -XX:+UseSerialGC -Xmx320m -Xmn32m --enable-native-access=ALL-UNNAMED \
  --sun-misc-unsafe-memory-access=allow ${SPANDREL_JAVA_OPTS:-} -jar "$root/sidecar/target/spandrel-sidecar.jar" --grpc-port $port --http-port 0 --health-port 0 --journal-dir "$work/kept" \
  --otlp-traces-endpoint 127.0.0.1:$sink
if [ -n "${COLLECTOR:-}" ]; then
  export PORT=$port SINK=$sink FOLDER=$work/kept
  for QUEUE in memory disk; do
    export QUEUE
    measure "collector $QUEUE " "$COLLECTOR" --config "$root/bench/sidecar/load/collector.yaml"
  done
fi

#!/usr/bin/env bash
# Spans per second and core from sender to backend, journal synced, and at 10,000 spans/s, beside the OpenTelemetry
# Collector in the same run where COLLECTOR names its binary (bench/interop/tools/build.sh collector prints one). Every
# forwarder is started anew, warmed by the same load for WARM seconds and measured for SECONDS, in turn, ROUNDS times.
# Usage: [COLLECTOR=path] [ROUNDS=1] [WARM=20] [SECONDS_MEASURED=10] [RATES="0 10000"] bench/sidecar/load/run.sh
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
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

measure() { # NAME RATE COMMAND...
  local name=$1 rate=$2
  shift 2
  rm -rf "$work/kept"
  "$@" >"$work/log" 2>&1 &
  pid=$!
  await_port
  "$jdk/bin/java" -XX:+UseSerialGC --sun-misc-unsafe-memory-access=allow -cp "$work:$libraries" LoadBench \
    "$name, $rate" "$port" "$pid" "$sink" "${WARM:-20}" "${SECONDS_MEASURED:-10}" "$rate" 2>>"$work/log" || cat "$work/log"
  kill "$pid"
  wait "$pid" || true
  pid=''
}

export PORT=$port SINK=$sink FOLDER=$work/kept QUEUE SPANDREL_NO_BUILD=1
for _ in $(seq "${ROUNDS:-1}"); do
  for rate in ${RATES:-0 10000}; do
    # the launcher replaces itself by the JVM, so that its pid is the sidecar's
    measure sidecar "$rate" "$root/spandrel" sidecar --grpc-port $port --http-port 0 --health-port 0 \
      --journal-dir "$work/kept" --otlp-traces-endpoint 127.0.0.1:$sink
    [ -n "${COLLECTOR:-}" ] || continue
    for QUEUE in memory disk; do
      measure "collector $QUEUE" "$rate" "$COLLECTOR" --config "$root/bench/sidecar/load/collector.yaml"
    done
  done
done

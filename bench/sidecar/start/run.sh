#!/usr/bin/env bash
# Seconds from call to ready and resident set when idle, without and with an AOT cache trained on one start. Usage:
# bench/sidecar/start/run.sh [STARTS]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
starts=${1:-5}
[ -n "${SPANDREL_NO_BUILD:-}" ] || "$root/spandrel" build
jdk=$("$root/spandrel" jdk)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root/sidecar/target"

start() {
  local begin end pid
  : >"$work/out"
  begin=$(date +%s%N)
  "$jdk/bin/java" -XX:+UseSerialGC -Xmx320m -Xmn32m -XX:+UseCompactObjectHeaders --enable-native-access=ALL-UNNAMED \
    --sun-misc-unsafe-memory-access=allow "$@" -jar spandrel-sidecar.jar --grpc-port 0 --http-port 0 --health-port 0 \
    --journal-dir "$work/journal" --otlp-endpoint 127.0.0.1:1 >"$work/out" 2>"$work/err" &
  pid=$!
  until grep -q ready "$work/out"; do
    kill -0 "$pid" 2>/dev/null || { cat "$work/err" >&2; exit 1; }
    sleep 0.01
  done
  end=$(date +%s%N)
  awk -v ns=$((end - begin)) '/^VmRSS/ { printf "%.2f s, %d MiB\n", ns / 1e9, $2 / 1024 }' "/proc/$pid/status"
  kill "$pid"
  wait "$pid" || true
}

for _ in $(seq "$starts"); do echo "plain: $(start)"; done
start -XX:AOTCacheOutput="$work/sidecar.aot" >/dev/null
for _ in $(seq "$starts"); do echo "AOT cache: $(start -XX:AOTCache="$work/sidecar.aot")"; done

#!/usr/bin/env bash
# Seconds from the launcher's call to the ready line, processor time and resident set ten seconds later, as shipped (the
# AOT cache that the build makes) and without the cache. Usage: bench/sidecar/start/run.sh [STARTS]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
starts=${1:-5}
[ -n "${SPANDREL_NO_BUILD:-}" ] || "$root/spandrel" build
export SPANDREL_NO_BUILD=1
cache=$root/sidecar/target/spandrel-sidecar.aot
work=$(mktemp -d)
trap '[ ! -f "$cache.aside" ] || mv "$cache.aside" "$cache"; rm -rf "$work"' EXIT

start() {
  local begin end pid ticks
  : >"$work/out"
  begin=$(date +%s%N)
  "$root/spandrel" sidecar --grpc-port 0 --http-port 0 --health-port 0 --journal-dir "$work/journal" \
    --otlp-endpoint 127.0.0.1:1 >"$work/out" 2>"$work/err" &
  pid=$!
  until grep -q ready "$work/out"; do
    kill -0 "$pid" 2>/dev/null || { cat "$work/err" >&2; exit 1; }
    sleep 0.005
  done
  end=$(date +%s%N)
  ticks=$(sed 's/.*) //' "/proc/$pid/stat" | awk '{ print $12 + $13 }')
  sleep 10
  awk -v ns=$((end - begin)) -v cpu="$ticks" \
    '/^VmRSS/ { printf "%.2f s, %d ms of processor time, %d MiB idle\n", ns / 1e9, cpu * 10, $2 / 1024 }' "/proc/$pid/status"
  kill "$pid"
  wait "$pid" || true
}

for _ in $(seq "$starts"); do echo "as shipped: $(start)"; done
[ ! -f "$cache" ] || mv "$cache" "$cache.aside"
for _ in $(seq "$starts"); do echo "without the cache: $(start)"; done

#!/usr/bin/env bash
# Processor time of the server per streamed token (32 streams) and per /health, over an engine that answers at once
# (docs/benchmarks.md, "Server"). Usage: bench/server/overhead.sh [ROUNDS]; JAVA_OPTS go to the server.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
"$root/spandrel" build
jdk=$("$root/spandrel" jdk)
work=$(mktemp -d)
pid=''
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
libraries=$root/server/target/spandrel-server.jar:$root/server/target/lib/*
"$jdk/bin/javac" -proc:none -cp "$libraries" -d "$work" "$root"/bench/server/{InstantEngine,OverheadServer,OverheadClient}.java
# shellcheck disable=SC2086
"$jdk/bin/java" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
  ${JAVA_OPTS:-} -cp "$work:$libraries" OverheadServer >"$work/out" 2>"$work/err" &
pid=$!
until [ -s "$work/out" ]; do
  kill -0 "$pid" 2>/dev/null || { cat "$work/err" >&2; exit 1; }
  sleep 0.1
done
read -r port _ <"$work/out"
"$jdk/bin/java" -cp "$work" OverheadClient "$port" "$pid" "${1:-7}"

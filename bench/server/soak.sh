#!/usr/bin/env bash
# Ten thousand requests aborted at random moments, and what they leave behind (docs/benchmarks.md, "Server").
# Usage: bench/server/soak.sh [ABORTS]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
"$root/spandrel" build
jdk=$("$root/spandrel" jdk)
work=$(mktemp -d)
pid=''
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
"$jdk/bin/javac" -d "$work" "$root/bench/server/SoakClient.java"
# A fixed heap, so that the resident set is no question of when the JVM chose to grow.
SPANDREL_NO_BUILD=1 SPANDREL_JAVA_OPTS="-Xms512m -Xmx512m -XX:+AlwaysPreTouch" \
  "$root/spandrel" serve --model spandrel-tiny --host 127.0.0.1 --port 0 >"$work/out" 2>"$work/err" &
pid=$!
until grep -q '^spandrel-server ready' "$work/out"; do
  kill -0 "$pid" 2>/dev/null || { cat "$work/err" >&2; exit 1; }
  sleep 0.1
done
port=$(sed -n 's/^spandrel-server ready: http[^,]*:\([0-9]*\),.*/\1/p' "$work/out")
"$jdk/bin/java" -cp "$work" SoakClient "$port" "$pid" "$jdk" "${1:-10000}"
grep -v 'incubator' "$work/err" || true

#!/usr/bin/env bash
# Measures what constrained output costs the engine thread (docs/benchmarks.md, "Constrained output"), over a made-up vocabulary of
# 128,000 tokens. Half a minute.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
[ -n "${SPANDREL_NO_BUILD:-}" ] || "$root/spandrel" build
jdk=$("$root/spandrel" jdk)
classes=$root/target/bench/grammar
mkdir -p "$classes"
libraries=$(printf '%s:' "$root"/server/target/lib/*.jar)
"$jdk/bin/javac" -cp "$libraries" -d "$classes" "$root"/bench/grammar/*.java
exec "$jdk/bin/java" -Xmx1g -XX:+UseSerialGC "$@" -cp "$classes:$libraries" MaskBench

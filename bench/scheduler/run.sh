#!/usr/bin/env bash
# Measures what the scheduler promises (docs/benchmarks.md, "Scheduler"). Takes about two minutes and 2 GiB of disk under
# target/. Options are system properties: bench/scheduler/run.sh -Drounds=7 -Dthreshold=128
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
"$root/spandrel" build
jdk=$("$root/spandrel" jdk)
classes=$root/target/bench/scheduler
mkdir -p "$classes"
libraries=$(printf '%s:' "$root"/server/target/lib/*.jar)
"$jdk/bin/javac" -cp "$libraries" -d "$classes" "$root"/bench/{models,scheduler}/*.java
exec "$jdk/bin/java" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -Xmx4g "$@" \
  -cp "$classes:$libraries" SchedulerBench "$root/target/bench/random-135m" "$root/models/spandrel-tiny"

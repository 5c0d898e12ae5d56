#!/usr/bin/env bash
# How long a model of a gigabyte takes until it can compute, page cache warm, five fresh JVMs for each way to keep weights.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
jdk=$("$root/spandrel" jdk)
model=$root/target/bench/load-1gb
classes=$root/target/bench/load
mkdir -p "$classes"
libraries=$(printf '%s:' "$root"/server/target/lib/*.jar)
"$jdk/bin/javac" -cp "$libraries" -d "$classes" "$root"/bench/load/*.java
load() {
  "$jdk/bin/java" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED \
    -cp "$classes:$libraries" LoadBench "$model" "$@" 2>/dev/null
}
[ -f "$model/model.safetensors" ] || load
cat "$model/model.safetensors" >/dev/null
for way in "auto none" "float32 none" "auto int8" "auto int4"; do
  for _ in 1 2 3 4 5; do
    # shellcheck disable=SC2086
    load $way
  done
done

#!/usr/bin/env bash
# How long a model of a gigabyte takes until it can compute, page cache warm, five fresh JVMs for each way to keep weights; with
# files as arguments, how long those GGUF files take (make_gguf.py makes one of any block type).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
jdk=$("$root/spandrel" jdk)
model=$root/target/bench/load-1gb
classes=$root/target/bench/load
mkdir -p "$classes"
libraries=$(printf '%s:' "$root"/server/target/lib/*.jar)
"$jdk/bin/javac" -cp "$libraries" -d "$classes" "$root"/bench/load/*.java
run() {
  "$jdk/bin/java" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED \
    -cp "$classes:$libraries" LoadBench "$@" 2>/dev/null
}
load() {
  run "$model" "$@"
}
if [ "$#" -gt 0 ]; then
  for file in "$@"; do
    cat "$file" >/dev/null
    for _ in 1 2 3 4 5; do
      run "$file"
    done
  done
  exit
fi
[ -f "$model/model.safetensors" ] || load
cat "$model/model.safetensors" >/dev/null
for way in "auto none" "float32 none" "auto int8" "auto int4"; do
  for _ in 1 2 3 4 5; do
    # shellcheck disable=SC2086
    load $way
  done
done

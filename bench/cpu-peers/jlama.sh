#!/usr/bin/env bash
# Measures the CPU backend against Jlama (com.github.tjake:jlama-core, its pure Java operations) on random weights of the
# shape of 135M, in F32 and BF16: a prompt of 511 and 128 tokens after it, both sides in turn, medians. Maven fetches Jlama. Run
# bench/cpu-peers/run.sh first, which builds ours and writes the weights; needs a Python with numpy, as that does.
#   PEER_PYTHON=venv/bin/python bench/cpu-peers/jlama.sh [ROUNDS]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
here=$root/bench/cpu-peers
python=${PEER_PYTHON:?name a Python with numpy}
jdk=$("$root/spandrel" jdk)
folder=$root/target/bench/jlama
models=$root/target/bench/models
mkdir -p "$folder/classes"
[ -d "$folder/lib" ] ||
  JAVA_HOME=$jdk "$root/mvnw" -q -f "$here/jlama/pom.xml" dependency:copy-dependencies -DoutputDirectory="$folder/lib"
"$jdk/bin/javac" -nowarn --add-modules jdk.incubator.vector -cp "$folder/lib/*" -d "$folder/classes" "$here/jlama/JlamaBench.java"
"$python" "$here/jlama.py" make "$models/shape-a" "$folder"
exec "$python" "$here/jlama.py" run --java "$jdk/bin/java" --folder "$folder" --models "$models" --rounds "${1:-5}" \
  --classpath "$root/target/bench/cpu-peers:$(printf '%s:' "$root"/server/target/lib/*.jar)" \
  --tokenizer "$root/models/spandrel-tiny"

#!/usr/bin/env bash
# Measures the CPU backend against Jlama (com.github.tjake:jlama-core, its pure Java operations) on random weights of the
# shape of 135M, in F32 and BF16: a prompt of 512 and 128 tokens after it. Both sides run all the time and take turns within a piece
# of work; medians. Builds ours, writes the weights (1.3 GB under target/bench), and has Maven fetch Jlama. Takes some six minutes;
# --quick takes two. Needs a Python with numpy.
#   PEER_PYTHON=venv/bin/python bench/cpu-peers/jlama.sh --rounds 5
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
needs="numpy"
# shellcheck source=bench/cpu-peers/prepare.sh
. "$here/prepare.sh"
folder=$root/target/bench/jlama
mkdir -p "$folder/classes"
if [ ! -d "$folder/lib" ]; then
  rm -rf "$folder/lib.part"
  JAVA_HOME=$jdk "$root/mvnw" -q -f "$here/jlama/pom.xml" dependency:copy-dependencies -DoutputDirectory="$folder/lib.part"
  mv "$folder/lib.part" "$folder/lib"
fi
"$jdk/bin/javac" -nowarn -proc:none --add-modules jdk.incubator.vector -cp "$folder/lib/*" -d "$folder/classes" \
  "$here/jlama/JlamaBench.java"
"$jdk/bin/java" -cp "$classes:$libraries" RandomLlama "$models/shape-a" a "$tokenizer"
"$python" "$here/jlama.py" make "$models/shape-a" "$folder"
exec "$python" "$here/jlama.py" run --java "$jdk/bin/java" --folder "$folder" --models "$models" \
  --classpath "$classes:$libraries" --tokenizer "$tokenizer" "$@"

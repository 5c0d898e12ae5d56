# Sourced by run.sh and jlama.sh: looks for the Python they need, builds ours and compiles the benches. Sets root, python, jdk,
# classes, libraries, models and tokenizer.
# shellcheck shell=bash
root=$(cd "$here/../.." && pwd -P)
python=${PEER_PYTHON:-}
if [ -z "$python" ]; then
  echo "${0##*/}: PEER_PYTHON is not set; expected a Python that has ${needs// /, }" >&2
  exit 2
fi
for module in $needs; do
  "$python" -c "import $module" 2>/dev/null || {
    echo "${0##*/}: $python has no $module; expected ${needs// /, } (pip installs them)" >&2
    exit 2
  }
done
"$root/spandrel" build
jdk=$("$root/spandrel" jdk)
classes=$root/target/bench/cpu-peers
models=$root/target/bench/models
tokenizer=$root/models/spandrel-tiny
libraries=$(printf '%s:' "$root"/server/target/lib/*.jar)
mkdir -p "$classes" "$models"
"$jdk/bin/javac" -proc:none -cp "$libraries" -d "$classes" "$here"/*.java "$root"/bench/models/*.java

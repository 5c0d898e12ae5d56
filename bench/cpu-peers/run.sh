#!/usr/bin/env bash
# Measures the CPU backend against llama.cpp on random weights of two Llama shapes (docs/benchmarks.md, "CPU kernels").
# Needs a Python with llama-cpp-python, numpy and gguf, named by PEER_PYTHON; how the peer was built there is up to it. For
# ours here: CC=clang-16 CXX=clang++-16 CMAKE_ARGS="-DGGML_NATIVE=ON" pip install --no-binary llama-cpp-python
# llama-cpp-python numpy gguf. The first run writes some 6 GiB of models under target/bench. Options go to run.py:
#   PEER_PYTHON=venv/bin/python bench/cpu-peers/run.sh --rows a:bf16 a:q8_0 --repeat 5
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
here=$root/bench/cpu-peers
python=${PEER_PYTHON:?name a Python with llama-cpp-python, numpy and gguf}
"$root/spandrel" build
jdk=$("$root/spandrel" jdk)
classes=$root/target/bench/cpu-peers
models=$root/target/bench/models
mkdir -p "$classes" "$models"
libraries=$(printf '%s:' "$root"/server/target/lib/*.jar)
"$jdk/bin/javac" -cp "$libraries" -d "$classes" "$here"/*.java
"${CC:-cc}" -O3 -march=native -pthread "$here/limits.c" -o "$classes/limits"
"$python" "$here/peer.py" make "$models" a f32 bf16 q8_0 q4_0
"$python" "$here/peer.py" make "$models" b f32 bf16
exec "$python" "$here/run.py" --python "$python" --java "$jdk/bin/java" --classpath "$classes:$libraries" \
  --models "$models" --tokenizer "$root/models/spandrel-tiny" --limits "$classes/limits" "$@"

#!/usr/bin/env bash
# Measures the CPU backend against llama.cpp on random weights of two Llama shapes (docs/benchmarks.md, "CPU kernels"): builds ours,
# writes the models that the rows need (some 6 GiB for all of them, under target/bench), measures both sides in turn, and prints
# tables to standard output and progress to standard error. All rows take some 20 minutes; --quick takes a minute, --help
# lists the options. Needs a Python with llama-cpp-python, numpy and gguf, named by PEER_PYTHON; how the peer was built there is
# up to it. For ours here: CC=clang-16 CXX=clang++-16 CMAKE_ARGS="-DGGML_NATIVE=ON" pip install --no-binary
# llama-cpp-python llama-cpp-python numpy gguf. For example:
#   PEER_PYTHON=venv/bin/python bench/cpu-peers/run.sh --rows a:bf16 b:bf16 --work decode-32 --rounds 5
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
needs="llama_cpp numpy gguf"
# shellcheck source=bench/cpu-peers/prepare.sh
. "$here/prepare.sh"
"${CC:-cc}" -O3 -march=native -pthread "$here/limits.c" -o "$classes/limits"
exec "$python" "$here/run.py" --python "$python" --java "$jdk/bin/java" --classpath "$classes:$libraries" \
  --models "$models" --tokenizer "$tokenizer" --limits "$classes/limits" "$@"

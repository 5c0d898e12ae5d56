#!/usr/bin/env bash
# One command for a machine with an NVIDIA GPU: the backend's contract on the real device, then the benches, all into one file.
# Needs the driver, libnvrtc and libcublasLt (a CUDA toolkit, or pip's nvidia packages, e.g. PyTorch's own), and bench/gpu/carried
# as bench/gpu/pack.sh made it; where a JDK 25 and Maven are, it packs by itself.
#
# Usage: bench/gpu/run.sh [SHAPE…]        shapes: opt-125m llama-1b llama-8b (default: all)
#   SPANDREL_CUDA_LIBRARY_PATH   folders to look for the libraries in first
#   RESULT                       the file to write (default: bench/gpu/result.txt)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
carried=$root/bench/gpu/carried
result=${RESULT:-$root/bench/gpu/result.txt}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

[ -f "$carried/runtime.tar.xz" ] || "$root/bench/gpu/pack.sh" >&2
tar -C "$work" -xJf "$carried/runtime.tar.xz"
tar -C "$work" -xJf "$carried/lib.tar.xz"
java=$work/runtime/bin/java
lib=$work/lib
classes=$lib/engine-ffm/target/test-classes:$lib/engine-ffm/target/classes:$lib/jextract/target/classes
options=(--add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -Xmx8g
  "-Dspandrel.cuda.library.path=${SPANDREL_CUDA_LIBRARY_PATH:-}")

failed=0
{
  echo "== commit $(cat "$carried/commit"), $(date -u +%Y-%m-%dT%H:%MZ)"
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.memory,power.limit --format=csv || true
  "$java" -version 2>&1 | head -n 1

  echo "== contract (CudaBackendIT)"
  console=$(find "$lib/jars" -name 'junit-platform-console-standalone-*.jar')
  jars=$(find "$lib/jars" -name '*.jar' ! -name '*console-standalone*' | tr '\n' ':')
  "$java" "${options[@]}" -Dspandrel.gpu=true -jar "$console" execute --disable-banner --details=summary \
    --class-path "$classes:$jars" --select-class dev.spandrel.engine.backend.cuda.CudaBackendIT 2>&1 || failed=1

  echo "== benches"
  "$java" "${options[@]}" -cp "$classes:$jars" dev.spandrel.engine.model.GpuBench "$@" 2>&1 || failed=1

  if python3 -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
    echo "== PyTorch with CUDA graphs, same shapes"
    python3 "$root/bench/gpu/torch_decode.py" "$@" 2>&1 || failed=1
  else
    echo "== PyTorch: not here, not compared"
  fi
} | tee "$result"
echo "written: $result" >&2
exit "$failed"

#!/usr/bin/env bash
# One command for a machine with an NVIDIA GPU: the backend's contract on the real device, then the benches, all into one file.
# Needs the driver, libnvrtc and libcublasLt (a CUDA toolkit, or pip's nvidia packages, e.g. PyTorch's own), and bench/gpu/carried
# as bench/gpu/pack.sh made it; where a JDK 25 and Maven are, it packs by itself. Without a GPU it says so in one line and ends with 3.
#
# Usage: bench/gpu/run.sh [SHAPE…]        shapes: opt-125m llama-1b llama-8b (default: all)
#        bench/gpu/run.sh --rehearse      the same steps on the emulated driver (needs g++ and this checkout): every one but the
#                                         device itself is tried; its figures mean nothing and go to bench/gpu/rehearsal.txt
#        bench/gpu/run.sh --goals FILE   the issue's goals from what a run has written, also one that was cut short
#   SPANDREL_CUDA_LIBRARY_PATH   folders to look for the libraries in first
#   RESULT                       the file to write (default: bench/gpu/result.txt)
#   LIMIT                        seconds that one step may take (default: 180); the others are run all the same
# The goals come last, each with its figure or that it was not measured.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
carried=$root/bench/gpu/carried
result=${RESULT:-$root/bench/gpu/result.txt}
rehearse=
limit=${LIMIT:-180}
goals_of=
if [ "${1:-}" = --goals ]; then
  goals_of=${2:?--goals wants the file that a run has written}
  set --
fi
if [ "${1:-}" = --rehearse ]; then
  rehearse=1
  result=${RESULT:-$root/bench/gpu/rehearsal.txt}
  limit=${LIMIT:-3600}
  set -- rehearsal
fi
for shape in "$@"; do
  case $shape in
    opt-125m | llama-1b | llama-8b | rehearsal) ;;
    *) echo "expected opt-125m, llama-1b, llama-8b or --rehearse, found $shape" >&2; exit 2 ;;
  esac
done
[ $# -gt 0 ] || set -- opt-125m llama-1b llama-8b
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

[ -f "$carried/runtime.tar.xz" ] || "$root/bench/gpu/pack.sh" >&2
tar -C "$work" -xJf "$carried/runtime.tar.xz"
tar -C "$work" -xJf "$carried/lib.tar.xz"
java=$work/runtime/bin/java
lib=$work/lib
classes=$lib/engine-ffm/target/test-classes:$lib/engine-ffm/target/classes:$lib/jextract/target/classes
console=$(find "$lib/jars" -name 'junit-platform-console-standalone-*.jar')
jars=$(find "$lib/jars" -name '*.jar' ! -name '*console-standalone*' | tr '\n' ':')
libraries=${SPANDREL_CUDA_LIBRARY_PATH:-}
options=(--add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow -Xmx8g)
if [ -n "$rehearse" ]; then
  libraries=$(cd "$root/engine-ffm" && "$java" "${options[@]}" -cp "$classes:$jars:$console" dev.spandrel.engine.cuda.EmulatedCuda)
  options+=(-Dsteps=4 -Dcontext=64 -Dprompt=128 -Dsquare=64 -Dread.bytes=1048576 "-Duser.home=$work")
fi
options+=("-Dspandrel.cuda.library.path=$libraries")
run=("$java" "${options[@]}" -cp "$classes:$jars:$console")
model=dev.spandrel.engine.model
junit=("$java" "${options[@]}" -Dspandrel.gpu=true -jar "$console" execute --disable-banner --details=summary --class-path "$classes:$jars")
cuda=dev.spandrel.engine.backend.cuda
goals() { "${run[@]}" $model.GpuGoals "$1" ${rehearse:+rehearsal} 2>/dev/null; }
if [ -n "$goals_of" ]; then
  goals "$goals_of"
  exit
fi

if ! found=$("${run[@]}" $model.GpuBench --probe 2>"$work/refusal"); then
  grep -v '^WARNING' "$work/refusal" >&2
  exit 3
fi

# Runs the rest of its line and notes when that fails or takes too long; the steps behind it are run all the same.
failed=0
step() {
  echo "== $1"
  shift
  if timeout --kill-after=10 "$limit" "$@" 2>&1; then
    echo "== passed"
  else
    echo "== failed with $?"
    failed=1
  fi
}

# What decides whether figures mean anything comes first; then the shapes, each by itself, so that what is measured stays measured.
steps() {
  [ -z "$rehearse" ] || echo "== A REHEARSAL ON THE EMULATED DRIVER: no figure below says anything about a GPU"
  echo "== commit $(cat "$carried/commit"), $(date -u +%Y-%m-%dT%H:%MZ)"
  echo "$found"
  if command -v nvidia-smi >/dev/null; then
    step "device" nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.memory,power.limit --format=csv
  fi
  "$java" -version 2>&1 | head -n 1
  # The families' weights are the checkout's.
  cd "$root/engine-ffm"
  step "kernels, each compiled once" "${run[@]}" $cuda.GpuKernels
  step "contract of the backend" "${junit[@]}" --select-class $cuda.CudaBackendIT
  step "golden logits of every family, F32 within 1e-4, BF16 within 2e-2" "${junit[@]}" --select-class $model.CudaFamiliesIT
  step "attention of prompts" "${junit[@]}" --select-class $cuda.PromptAttentionIT --select-class $cuda.PromptTilesIT
  for shape in "$@"; do
    step "benches of $shape" "${run[@]}" $model.GpuBench "$shape"
  done
  for shape in "$@"; do
    case $shape in
      llama-8b | rehearsal)
        step "kernels of the engine of $shape are compiled" "${run[@]}" $model.GpuReady "$shape" --quiet
        step "ready, $shape" "${run[@]}" $model.GpuReady "$shape"
        ;;
    esac
  done
  local torch=(python3 "$root/bench/gpu/torch_decode.py")
  [ -z "$rehearse" ] || torch=(env TORCH_DEVICE=cpu "${torch[@]}")
  if [ -n "$rehearse" ] && python3 -c 'import torch' 2>/dev/null ||
    python3 -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
    for shape in "$@"; do
      step "PyTorch with CUDA graphs, $shape" "${torch[@]}" "$shape"
    done
  else
    echo "== PyTorch: not here, not compared"
  fi
  return "$failed"
}

# Not in a condition, where -e would not hold.
set +e
steps "$@" | tee "$result"
failed=${PIPESTATUS[0]}
{
  echo "== goals"
  goals "$result"
} | tee -a "$result"
echo "written: $result" >&2
exit "$failed"

#!/usr/bin/env bash
# From how many rows AMX pays, for a processor that has it: the products of a step in GFLOP/s with AMX and without, rows 4 to 64, BF16
# and INT8. What it prints belongs in docs/decisions/0190, and the first rows that win in BackendOptions.AMX_ROWS.
#
#   bench/cpu-peers/amx.sh [THREADS [ROWS,...]]     default: 2 4,8,12,16,24,32,48,64
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
case ${1:-} in -h | --help) sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit ;; esac
threads=${1:-2} rows=${2:-4,8,12,16,24,32,48,64}
grep -q -w amx_tile /proc/cpuinfo || { echo "amx.sh: this processor has no AMX; bench/amx/run.sh emulates one, which says nothing of speed" >&2; exit 1; }
"$root/spandrel" build
jdk=$("$root/spandrel" jdk)
classes=$root/target/bench/cpu-peers
libraries=$(printf '%s:' "$root"/server/target/lib/*.jar)
mkdir -p "$classes"
"$jdk/bin/javac" -proc:none -cp "$libraries" -d "$classes" "$here/GemmBench.java"
gemm() {
  "$jdk/bin/java" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -Xmx4g "$1" -cp "$classes:$libraries" GemmBench \
    "$threads" "$rows" bf16 int8
}
echo "type rows threads matrix with-AMX without"
paste -d ' ' <(gemm -DamxRows=1) <(gemm -Damx=false) | awk '{ print $2, $3, $4, $5, $6, $12 }'

#!/usr/bin/env bash
# Measures what First light promises (docs/benchmarks.md, "Start"): `./spandrel dev` from a clean clone to ready, with the
# Maven repository as it is (or an empty one with --empty-repository), and again when everything is built.
# Prints medians of the built starts. Usage: bench/first-light/run.sh [--empty-repository] [STARTS]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ "${1:-}" = --empty-repository ]; then
  shift
  export MAVEN_ARGS="-Dmaven.repo.local=$work/repository" MAVEN_USER_HOME=$work/maven-home
fi
starts=${1:-5}
git clone -q "$root" "$work/clone"
cd "$work/clone"

# Starts dev, waits for its ready message, stops it; prints the seconds from call to ready.
start() {
  local begin end pid
  rm -f "$work/dev.out"
  begin=$(date +%s.%N)
  ./spandrel dev --port 0 >"$work/dev.out" 2>&1 &
  pid=$!
  until grep -qs 'Ctrl-C stops both' "$work/dev.out"; do
    kill -0 "$pid" 2>/dev/null || { cat "$work/dev.out" >&2; exit 1; }
    sleep 0.02
  done
  end=$(date +%s.%N)
  kill -TERM "$pid"
  wait "$pid" || true
  awk -v a="$begin" -v b="$end" 'BEGIN { printf "%.2f\n", b - a }'
}

echo "clean clone to ready, build included: $(start) s"
for _ in $(seq "$starts"); do start; done | sort -n | awk '
  { all = all " " $1; v[NR] = $1 } END { printf "built to ready: median %.2f s of%s\n", v[int((NR + 1) / 2)], all }'

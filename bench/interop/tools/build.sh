#!/usr/bin/env bash
# Builds a real Jaeger (v2) or OpenTelemetry Collector from pinned Go modules and prints the path of the program.
# Usage: bench/interop/tools/build.sh jaeger|collector
# The program stays in ${XDG_CACHE_HOME:-~/.cache}/spandrel/tools, named after its go.sum, which also checks every module.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
tool=${1:-}
case $tool in
  jaeger) package=github.com/jaegertracing/jaeger/cmd/jaeger ;;
  collector) package=. ;;
  *) echo "Usage: bench/interop/tools/build.sh jaeger|collector; found: ${tool:-nothing}" >&2; exit 2 ;;
esac
command -v go >/dev/null || { echo "bench/interop/tools/build.sh: no go in PATH; install Go 1.25 or newer" >&2; exit 1; }
cache=${XDG_CACHE_HOME:-$HOME/.cache}/spandrel/tools
program=$cache/$tool-$(cat "$here/$tool"/* | sha256sum | cut -c 1-16)
if [ ! -x "$program" ]; then
  mkdir -p "$cache"
  # Beside it first: whoever builds at the same time never sees half a program.
  (cd "$here/$tool" && CGO_ENABLED=0 go build -trimpath -mod=readonly -o "$program.$$" "$package") >&2
  mv "$program.$$" "$program"
fi
printf '%s\n' "$program"

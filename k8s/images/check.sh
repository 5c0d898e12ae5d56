#!/usr/bin/env bash
# Starts the images that build.sh made as Kubernetes would: user 65532, read-only root, volumes for what may change, a network of
# its own; asks each for an answer, stops it, and tells what it took. Needs root, buildah, unshare, ip and curl.
#
#   k8s/images/check.sh [ROUNDS]
set -euo pipefail
rounds=${1:-1}
work=$(mktemp -d)
pid=''
clean() {
  [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
  for image in sidecar server-cpu; do [ ! -f "$work/$image" ] || buildah rm "$(cat "$work/$image")" >/dev/null 2>&1 || true; done
  rm -rf "$work"
}
trap clean EXIT

# $1 image, $2 writable folder, the rest its arguments. The JVM is told to fail rather than go without its AOT cache.
start() {
  local image=$1 writable=$2 root
  shift 2
  [ -f "$work/$image" ] || buildah from --quiet "localhost/spandrel/$image:0.1.0" >"$work/$image"
  root=$(buildah mount "$(cat "$work/$image")")
  : >"$work/out"
  started=$(date +%s%N)
  JAVA_TOOL_OPTIONS=-XX:AOTMode=on unshare --net --mount sh -c '
    set -e
    root=$1 writable=$2; shift 2
    ip link set lo up
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmpfs "$root/tmp"
    mount -t tmpfs -o uid=65532,gid=65532 tmpfs "$root$writable"
    mount -o remount,bind,ro "$root"
    exec chroot --userspec=65532:65532 "$root" "$@"' sh "$root" "$writable" "$@" >"$work/out" 2>&1 &
  pid=$!
  until grep -q ' ready: ' "$work/out"; do
    kill -0 "$pid" 2>/dev/null || { echo "$image did not start:" >&2; cat "$work/out" >&2; exit 1; }
    sleep 0.01
  done
  took=$((($(date +%s%N) - started) / 1000000))
}

# $1 image, $2 URL and what else curl takes
ask() {
  nsenter --target "$pid" --net curl --silent --fail --output /dev/null "${@:2}" || { echo "$1: no answer from $2" >&2; cat "$work/out" >&2; exit 1; }
}

stop() {
  local code=0
  resident=$(awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$pid/status")
  kill -TERM "$pid"
  wait "$pid" || code=$?
  pid=''
  [ "$code" -eq 0 ] || { echo "$1: exit code $code after SIGTERM" >&2; cat "$work/out" >&2; exit 1; }
}

entry() { # the image's entry point, one word a line
  buildah inspect --type image --format '{{range .OCIv1.Config.Entrypoint}}{{println .}}{{end}}' "localhost/spandrel/$1:0.1.0" | sed '/^$/d'
}

for ((round = 0; round < rounds; round++)); do
  mapfile -t words < <(entry sidecar)
  start sidecar /var/lib/spandrel/journal "${words[@]}" --journal-dir=/var/lib/spandrel/journal
  ask sidecar http://127.0.0.1:13133/ready
  stop sidecar
  echo "sidecar     ready in $took ms, $resident MiB resident"
  mapfile -t words < <(entry server-cpu)
  start server-cpu /var/cache/spandrel "${words[@]}" serve --model spandrel-tiny
  ask server-cpu http://127.0.0.1:8000/v1/completions -H 'Content-Type: application/json' \
    -d '{"model": "spandrel-tiny", "prompt": "Once upon a time", "max_tokens": 32}'
  stop server-cpu
  echo "server-cpu  ready in $took ms, $resident MiB resident after one completion"
done

#!/usr/bin/env bash
# The trace page in a browser. Usage: bench/page/run.sh [test | measure [ROUNDS] | shots | bundle]
#   test      completion appears, waterfall, filter, hostile text, keys, files (default)
#   measure   the figures of docs/benchmarks.md
#   shots     the pictures of the README, into docs/images
#   bundle    builds the page again and fails where the committed bundle differs
# Needs Node 20 and, but for bundle, Chromium; says why where it cannot run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
what=${1:-test}

skip() {
  echo "SKIPPED trace page, $what: $1"
  exit 0
}

command -v npm >/dev/null || skip "no npm here; install Node 20"
install() {
  npm ci --silent 2>npm.log || {
    cat npm.log >&2
    rm -f npm.log
    skip "npm cannot fetch the packages of $1"
  }
  rm -f npm.log
}

if [ "$what" = bundle ]; then
  cd ../../sidecar/web
  install sidecar/web
  npm run -s check
  npm test -s
  exit
fi

chromium() {
  [ -n "${CHROMIUM:-}" ] || command -v chromium || command -v chromium-browser || command -v google-chrome
}
if ! chromium >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium …"
    (apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium) \
      >/dev/null 2>&1 || skip "apt-get cannot install chromium"
  else
    skip "no Chromium here; install it, or name one in CHROMIUM"
  fi
fi
install bench/page
case $what in
  test) node --test page.test.mjs ;;
  measure) node measure.mjs "${2:-20}" ;;
  shots) node shots.mjs ;;
  *)
    echo "unknown $what; expected test, measure, shots or bundle" >&2
    exit 2
    ;;
esac

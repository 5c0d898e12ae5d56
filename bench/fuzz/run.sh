#!/usr/bin/env bash
# Seeded mutations of every file format, ROUNDS for each; FIRST is the first seed. Prints rounds and seconds per format.
# Text files (configurations, tokenizers, index, templates) are written and opened each time, so a round takes longer there.
#
#   bench/fuzz/run.sh 2500000 [FIRST]          weights: safetensors, .bin new and old, GGUF
#   bench/fuzz/run.sh 100000 FIRST text        text files of a model folder
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
rounds=${1:?how many rounds for each format}
first=${2:-1}
case ${3:-weights} in
  weights) test=FormatFuzzTest ;;
  text) test=TextFormatFuzzTest ;;
  *) echo "expected weights or text, found $3" >&2; exit 2 ;;
esac
./mvnw -o -q -pl engine-ffm -am test -Dtest="$test" -Dsurefire.failIfNoSpecifiedTests=false \
  -Dfuzz.rounds="$rounds" -Dfuzz.seed="$first"
grep -ho 'testcase name="[^"]*"[^>]*time="[^"]*"' engine-ffm/target/surefire-reports/TEST-*."$test".xml |
  sed -E "s/testcase name=\"([^\"]*)\".*time=\"([^\"]*)\"/$rounds rounds in \2 s: \1/"

#!/usr/bin/env bash
# Seeded mutations of every file format, ROUNDS for each; FIRST is the first seed. Prints rounds and seconds per format.
#
#   bench/fuzz/run.sh 2500000 [FIRST]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
rounds=${1:?how many rounds for each format}
first=${2:-1}
./mvnw -o -q -pl engine-ffm -am test -Dtest=FormatFuzzTest -Dsurefire.failIfNoSpecifiedTests=false \
  -Dfuzz.rounds="$rounds" -Dfuzz.seed="$first"
grep -ho 'testcase name="[^"]*"[^>]*time="[^"]*"' engine-ffm/target/surefire-reports/TEST-*FormatFuzzTest.xml |
  sed -E "s/testcase name=\"([^\"]*)\".*time=\"([^\"]*)\"/$rounds rounds in \2 s: \1/"

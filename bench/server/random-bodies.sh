#!/usr/bin/env bash
# Random bodies at the JSON entry: no fault of the server, no generation left open. Usage: bench/server/random-bodies.sh [BODIES]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
./mvnw -q -pl server -am test -Dtest=RandomBodyTest -Dsurefire.failIfNoSpecifiedTests=false \
  -Dspandrel.test.bodies="${1:-1000000}"
grep -h -o 'testcase name="noAnswerIsAServerError"[^>]*' server/target/surefire-reports/TEST-*RandomBodyTest.xml

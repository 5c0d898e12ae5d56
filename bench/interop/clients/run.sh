#!/usr/bin/env bash
# Real clients against a real server, see README.md. Usage: bench/interop/clients/run.sh [EXAMPLES], EXAMPLES per operation of
# schemathesis (default 50). VENV names a Python environment that has requirements.txt; without it one is made under target/.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../../.." && pwd -P)
examples=${1:-50}
work=$root/target/interop
mkdir -p "$work"
"$root/spandrel" build
jdk=$("$root/spandrel" jdk)
key=interop-key
server=''
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true' EXIT
left_out() { echo "interop: left out $1: $2"; }

SPANDREL_NO_BUILD=1 "$root/spandrel" serve --model spandrel-tiny --host 127.0.0.1 --port 0 --api-key "$key" >"$work/out" 2>"$work/err" &
server=$!
until grep -q '^spandrel-server ready' "$work/out"; do
  kill -0 "$server" 2>/dev/null || { cat "$work/err" >&2; exit 1; }
  sleep 0.1
done
url=$(sed -n 's/^spandrel-server ready: \(http[^,]*\),.*/\1/p' "$work/out")

python_environment() {
  venv=${VENV:-$work/venv}
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv" >"$work/venv.log" 2>&1 || return 1
  "$venv/bin/python" -c 'import openai' 2>/dev/null && [ -x "$venv/bin/schemathesis" ] ||
    "$venv/bin/pip" -q install -r "$here/python/requirements.txt" >"$work/pip.log" 2>&1
}
if ! command -v python3 >/dev/null; then
  left_out 'the Python SDK and schemathesis' 'no python3'
elif ! python_environment; then
  left_out 'the Python SDK and schemathesis' "packages cannot be had, see target/interop/pip.log"
else
  "$venv/bin/python" "$here/python/client.py" "$url/v1" "$key"
  (cd "$work" && "$venv/bin/schemathesis" run "$url/openapi.json" \
    --header "Authorization: Bearer $key" --checks not_a_server_error --max-examples "$examples" --generation-deterministic \
    --workers 2 --request-timeout 60 --no-color >"$work/schemathesis.log" 2>&1) || { tail -n 60 "$work/schemathesis.log" >&2; exit 1; }
  echo "schemathesis: $(grep -E 'test cases|passed|generated' "$work/schemathesis.log" | tail -n 1)"
fi

if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
  left_out 'the JavaScript SDK' 'no node and npm'
elif ! (cd "$here/javascript" && npm ci --no-audit --no-fund >"$work/npm.log" 2>&1); then
  left_out 'the JavaScript SDK' "packages cannot be had, see target/interop/npm.log"
else
  node "$here/javascript/client.mjs" "$url/v1" "$key"
fi

if ! (cd "$root" && ./mvnw -q -f "$here/java/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies \
  -DoutputDirectory="$work/java-lib" >"$work/maven.log" 2>&1); then
  left_out 'the Java SDK and LangChain4j' "packages cannot be had, see target/interop/maven.log"
else
  mkdir -p "$work/java"
  "$jdk/bin/javac" -proc:none -cp "$work/java-lib/*" -d "$work/java" "$here"/java/src/main/java/*.java
  "$jdk/bin/java" -cp "$work/java:$work/java-lib/*" OpenAiSdk "$url/v1" "$key"
  "$jdk/bin/java" -cp "$work/java:$work/java-lib/*" LangChain "$url/v1" "$key" spandrel-tiny
fi

running=$(curl -fsS "$url/metrics" | sed -n 's/^vllm:num_requests_running{[^}]*} //p')
[ "$running" = 0.0 ] || { echo "interop: $running requests run on after all clients ended" >&2; exit 1; }
kill "$server"
wait "$server" || { echo "interop: the server ended with $?" >&2; cat "$work/err" >&2; exit 1; }
server=''
echo 'interop: nothing runs, and the server ended in good order'

#!/usr/bin/env bash
# Sends the example's body by the Python SDK with and without --no-http-spans; fails unless exactly 2 and 3 spans arrive.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT

check() {
  local expected=$1
  shift
  "$python" "$here/sink.py" --print >"$work/sink" 2>&1 &
  local sink=$!
  until [ -s "$work/sink" ]; do sleep 0.1; done
  local endpoint
  endpoint=http://127.0.0.1:$(head -n 1 "$work/sink")/v1/traces
  OTEL_SERVICE_NAME=vllm-server OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf OTEL_BSP_SCHEDULE_DELAY=100 \
    "$here/../../spandrel" serve --model spandrel-tiny --host 127.0.0.1 --port 0 \
    --otlp-traces-endpoint="$endpoint" "$@" >"$work/server" 2>"$work/server.log" &
  local server=$!
  until grep -q ready "$work/server"; do
    kill -0 $server || { cat "$work/server.log"; exit 1; }
    sleep 0.1
  done
  OTEL_SERVICE_NAME=client-service OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=$endpoint \
    "$python" "$here/python_client.py" "$(grep -o 'http://[0-9.:]*' "$work/server" | head -n 1)"
  kill $server
  wait $server || true
  kill $sink
  # The server's own start is a trace too; the example's is the one with the client's span.
  local trace
  trace=$(awk '$5 == "client-span" { print $1 }' "$work/sink")
  grep "^$trace " "$work/sink"
  local spans
  spans=$(grep -c "^$trace " "$work/sink")
  [ "$spans" = "$expected" ] || { echo "expected $expected spans, found $spans"; exit 1; }
  # The prompt on the client's span, the metadata on ours, below it.
  awk -v expected="$expected" '
    $5 == "client-span" { client = $2; prompt = / prompt=San Francisco is a/ }
    $5 == "POST" { http = $2; httpParent = $3 }
    $5 == "llm_request" {
      parent = $3
      split("request.n=3 request.max_tokens=10 usage.prompt_tokens usage.completion_tokens request.id=cmpl-" \
        " latency.time_in_queue latency.time_to_first_token latency.e2e latency.time_in_model_prefill" \
        " latency.time_in_model_decode latency.time_in_model_inference", keys, " ")
      for (i in keys) if (!index($0, " gen_ai." keys[i])) { print "missing: gen_ai." keys[i]; bad = 1 }
      if (index($0, " gen_ai.request.temperature")) { print "a temperature of 0 has no attribute"; bad = 1 }
    }
    END {
      below = expected == 2 ? client : http
      if (expected == 3 && httpParent != "parent=" client) { print "the HTTP span is not below the client span"; bad = 1 }
      if (parent != "parent=" below) { print "llm_request is below the wrong span"; bad = 1 }
      if (!prompt) { print "the prompt is missing"; bad = 1 }
      exit bad
    }' <<<"$(grep "^$trace " "$work/sink")"
  # Beside it there may be none but the start's.
  [ "$(tail -n +2 "$work/sink" | cut -d' ' -f1 | sort -u | wc -l)" = 2 ] || { echo "another trace"; exit 1; }
  rm "$work/sink" "$work/server"
}

check 2 --no-http-spans
check 3
echo "ok: 2 spans without HTTP spans, 3 with them, one trace each"

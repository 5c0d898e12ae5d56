"""Paired cost of tracing: two servers side by side, alternating windows of concurrent streams, ratio of tokens/s."""

import argparse
import http.client
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLAGS = {
    "null": [],
    "spans": [],
    "request": ["--collect-detailed-traces=request"],
    "step": ["--collect-detailed-traces=request,step", "--trace-step-ratio=0.01"],
}


def start(endpoint, disabled, flags):
    environment = dict(os.environ, SPANDREL_NO_BUILD="1", OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="http/protobuf")
    if disabled:
        environment["OTEL_SDK_DISABLED"] = "true"
    command = [str(ROOT / "spandrel"), "serve", "--model", "spandrel-tiny", "--host", "127.0.0.1", "--port", "0"]
    process = subprocess.Popen(
        command + ["--otlp-traces-endpoint", endpoint] + flags,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    for line in process.stdout:
        if "ready" in line:
            return process, int(re.search(r"127\.0\.0\.1:(\d+)", line).group(1))
    sys.exit("the server did not start")


def window(port, streams, seconds, max_tokens):
    """Tokens that came to the clients within the window, per second."""
    end = time.monotonic() + seconds
    counts = [0] * streams

    def stream(index):
        chance = random.Random(index)
        connection = http.client.HTTPConnection("127.0.0.1", port)
        while time.monotonic() < end:
            body = {
                "prompt": f"Once upon a time there was a {chance.randrange(10**6)}",
                "max_tokens": max_tokens,
                "ignore_eos": True,
                "stream": True,
            }
            connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
            for line in connection.getresponse():
                if line.startswith(b'data: {') and time.monotonic() < end:
                    counts[index] += 1
        connection.close()

    threads = [threading.Thread(target=stream, args=(i,)) for i in range(streams)]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds if time.monotonic() >= begin + seconds else 0


def interval(ratios):
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(ratios, k=len(ratios))) for _ in range(10_000))
    return medians[250], medians[9749]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=FLAGS, default="request")
    parser.add_argument("--windows", type=int, default=20, help="pairs")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--streams", type=int, default=32)
    parser.add_argument("--max-tokens", type=int, default=64)
    args = parser.parse_args()
    sink = subprocess.Popen([sys.executable, str(pathlib.Path(__file__).parent / "sink.py")], stdout=subprocess.PIPE, text=True)
    processes = [sink]
    try:
        endpoint = f"http://127.0.0.1:{sink.stdout.readline().strip()}/v1/traces"
        off, off_port = start(endpoint, True, [])
        processes.append(off)
        on, on_port = start(endpoint, args.mode == "null", FLAGS[args.mode])
        processes.append(on)
        for port in (off_port, on_port):
            window(port, args.streams, 2 * args.seconds, args.max_tokens)
        ratios = []
        for pair in range(args.windows):
            # Which goes first alternates too, so that a drift of the machine favours neither.
            order = [("off", off_port), ("on", on_port)]
            rates = {
                name: window(port, args.streams, args.seconds, args.max_tokens)
                for name, port in (order if pair % 2 == 0 else order[::-1])
            }
            ratios.append(rates["on"] / rates["off"])
            print(f"{pair + 1:3} off {rates['off']:8.1f} on {rates['on']:8.1f} tokens/s ratio {ratios[-1]:.4f}", flush=True)
        low, high = interval(ratios)
        print(
            f"mode {args.mode}, {args.streams} streams, {len(ratios)} pairs of {args.seconds} s:"
            f" median ratio {statistics.median(ratios):.4f}, 95 % interval {low:.4f} to {high:.4f}"
        )
    finally:
        for process in processes[::-1]:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()

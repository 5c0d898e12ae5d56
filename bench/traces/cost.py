"""Paired cost of tracing: two servers side by side, alternating windows of concurrent streams, ratio of tokens/s."""

import argparse
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys

from load import window

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
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


def cpu_seconds(process):
    """Processor time of a process so far, of all its threads."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def interval(ratios):
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(ratios, k=len(ratios))) for _ in range(10_000))
    return medians[250], medians[9749]


def summary(mode, ratios):
    low, high = interval(ratios)
    print(
        f"mode {mode}: {len(ratios)} pairs, median ratio {statistics.median(ratios):.4f},"
        f" 95 % interval {low:.4f} to {high:.4f}"
    )


def measure(args, processes):
    sink = subprocess.Popen([sys.executable, str(HERE / "sink.py")], stdout=subprocess.PIPE, text=True)
    processes.append(sink)
    endpoint = f"http://127.0.0.1:{sink.stdout.readline().strip()}/v1/traces"
    off, off_port = start(endpoint, True, [])
    processes.append(off)
    on, on_port = start(endpoint, args.mode == "null", FLAGS[args.mode])
    processes.append(on)
    servers = [("off", off, off_port), ("on", on, on_port)]
    for turn in range(4):
        for _, _, port in servers:
            window(port, args.streams, args.warm_up / 4, args.max_tokens, 10_000 + turn)
    ratios, cpu = [], []
    for pair in range(args.windows):
        rates, costs = {}, {}
        # Which goes first alternates too, so that a drift of the machine favours neither.
        for name, process, port in servers if pair % 2 == 0 else servers[::-1]:
            before = cpu_seconds(process)
            rates[name] = window(port, args.streams, args.seconds, args.max_tokens, pair)
            costs[name] = (cpu_seconds(process) - before) / rates[name]
        ratios.append(rates["on"] / rates["off"])
        cpu.append(costs["on"] / costs["off"])
        print(
            f"{pair + 1:3} off {rates['off']:8.1f} on {rates['on']:8.1f} tokens/s ratio {ratios[-1]:.4f}"
            f" processor time per token {cpu[-1]:.4f}",
            flush=True,
        )
    print(f"processor time of the server per token, on to off: median {statistics.median(cpu):.4f}")
    return ratios


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=FLAGS, default="request")
    parser.add_argument("--windows", type=int, default=20, help="pairs")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--warm-up", type=float, default=12, help="seconds of load on each server before the first pair")
    parser.add_argument("--streams", type=int, default=32)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--keep", type=pathlib.Path, help="file of ratios: those of earlier runs count too")
    args = parser.parse_args()
    processes = []
    try:
        ratios = measure(args, processes)
    finally:
        for process in processes[::-1]:
            process.terminate()
            process.wait()
    summary(args.mode, ratios)
    if args.keep:
        with args.keep.open("a") as file:
            file.writelines(f"{ratio}\n" for ratio in ratios)
        summary(args.mode + ", all runs", [float(line) for line in args.keep.read_text().split()])


if __name__ == "__main__":
    main()

"""Paired cost of tracing: two servers side by side under the same endless streams, of which one runs while the other is paused.

They take turns many times a second: the speed of a shared machine wanders by a tenth within seconds, which such turns share.
"""

import argparse
import collections
import os
import pathlib
import random
import re
import signal
import statistics
import subprocess
import sys
import urllib.request

from load import Load

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


def thread_seconds(process):
    """Processor time of a process so far by kind of thread: names without their numbers."""
    kinds = collections.Counter()
    for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
        try:
            name = (task / "comm").read_text().strip()
            kinds[re.sub(r"[-#/ ]*\d+.*$", "", name)] += int((task / "schedstat").read_text().split()[0]) / 1e9
        except FileNotFoundError:
            continue  # It ended meanwhile.
    return kinds


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
    sides = [Side([off], off_port), Side([on, sink], on_port)]
    load = Load([off_port, on_port], args.streams, args.max_tokens)
    load.run(args.warm_up)
    for side in sides:
        side.pause()
    ratios, cpu = [], []
    before = [(load.tokens[side.port], side.thread_seconds()) for side in sides]
    for pair in range(args.windows):
        (off_rate, off_cpu), (on_rate, on_cpu) = window(args, load, sides)
        ratios.append(on_rate / off_rate)
        cpu.append(on_cpu / off_cpu)
        print(
            f"{pair + 1:3} off {off_rate:8.1f} on {on_rate:8.1f} tokens/s ratio {ratios[-1]:.4f}"
            f" processor time per token {cpu[-1]:.4f}",
            flush=True,
        )
    print(f"processor time of server and backend per token, on to off: median {statistics.median(cpu):.4f}")
    by_thread(*(
        {kind: (seconds - old[kind]) / (load.tokens[side.port] - tokens) for kind, seconds in side.thread_seconds().items()}
        for side, (tokens, old) in zip(sides, before)
    ))
    for side in sides:
        side.resume()
    with urllib.request.urlopen(f"http://127.0.0.1:{on_port}/metrics") as answer:
        lost = re.findall(r"^otel_spans_dropped_total\S* (\S+)", answer.read().decode(), re.MULTILINE)
    # Spans that are dropped cost nothing: a figure with drops is none.
    print(f"spans lost: {sum(map(float, lost)):.0f}")
    return ratios


def by_thread(off, on):
    """Where the difference in processor time is, in ns per token."""
    print("processor time per token by thread, ns: off, on, difference")
    for kind in sorted(off | on, key=lambda kind: -abs(on.get(kind, 0) - off.get(kind, 0))):
        a, b = off.get(kind, 0) * 1e9, on.get(kind, 0) * 1e9
        if max(a, b) >= 20:
            print(f"  {kind:16} {a:9.0f} {b:9.0f} {b - a:+8.0f}")


class Side:
    """Processes that run and pause together."""

    def __init__(self, processes, port):
        self.processes, self.port = processes, port

    def pause(self):
        for process in self.processes:
            process.send_signal(signal.SIGSTOP)

    def resume(self):
        for process in self.processes:
            process.send_signal(signal.SIGCONT)

    def thread_seconds(self):
        return sum((thread_seconds(process) for process in self.processes), collections.Counter())

    def cpu_seconds(self):
        return sum(cpu_seconds(process) for process in self.processes)


def window(args, load, sides):
    """Tokens per second and processor time per token of each side, over many short turns."""
    turns = max(1, round(args.seconds / args.turn))
    before = [(load.tokens[side.port], side.cpu_seconds()) for side in sides]
    for turn in range(turns):
        # Who goes first alternates too, so that a drift favours neither.
        for side in sides if turn % 2 == 0 else sides[::-1]:
            side.resume()
            load.run(args.turn)
            side.pause()
    results = []
    for side, (tokens, cpu) in zip(sides, before):
        count = load.tokens[side.port] - tokens
        results.append((count / (turns * args.turn), (side.cpu_seconds() - cpu) / count))
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=FLAGS, default="request")
    parser.add_argument("--windows", type=int, default=20, help="pairs")
    parser.add_argument("--seconds", type=float, default=4, help="of each side in a pair")
    parser.add_argument("--turn", type=float, default=0.2, help="seconds until the other side runs")
    parser.add_argument("--warm-up", type=float, default=30, help="seconds of load on both servers before the first pair")
    parser.add_argument("--streams", type=int, default=32)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--keep", type=pathlib.Path, help="file of ratios: those of earlier runs count too")
    args = parser.parse_args()
    processes = []
    try:
        ratios = measure(args, processes)
    finally:
        for process in processes[::-1]:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait()
    summary(args.mode, ratios)
    if args.keep:
        with args.keep.open("a") as file:
            file.writelines(f"{ratio}\n" for ratio in ratios)
        summary(args.mode + ", all runs", [float(line) for line in args.keep.read_text().split()])


if __name__ == "__main__":
    main()

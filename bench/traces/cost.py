"""Cost of tracing: servers side by side under the same endless streams, one of them running while the others are paused.

They take turns many times a second: the speed of a shared machine wanders by a tenth within seconds, which such turns share.
Several servers of each side, since what the compiler made of one process is not what it made of the next.
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
import time
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
# The server's own default of OTEL_BSP_SCHEDULE_DELAY, milliseconds.
DELAY = 1000
# Tokens of an answer during most of the warm-up.
SHORT = 6


def start(endpoint, disabled, flags, delay=DELAY):
    """A server and its port."""
    environment = dict(
        os.environ,
        SPANDREL_NO_BUILD="1",
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="http/protobuf",
        OTEL_BSP_SCHEDULE_DELAY=str(delay),
    )
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
    """Processor time of a process so far, that of ended threads included: its clock, as clock_getcpuclockid makes it of a pid."""
    return time.clock_gettime(~process.pid << 3 | 2)


def thread_seconds(process):
    """Processor time of a process so far by kind of thread: names without their numbers; what has ended is one kind."""
    kinds = collections.Counter()
    for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
        try:
            name = (task / "comm").read_text().strip()
            # OkHttp names its threads after what they do.
            kind = "okhttp" if name.lower().startswith("okhttp") else re.sub(r"[-#/ ]*\d+.*$", "", name)
            kinds[kind] += int((task / "schedstat").read_text().split()[0]) / 1e9
        except FileNotFoundError:
            continue  # It ended meanwhile.
    kinds["(ended)"] = cpu_seconds(process) - sum(kinds.values())
    return kinds


class Server:
    """A server and, where it is traced, its backend, which run and pause together: the backend's work is part of the cost."""

    def __init__(self, traced, flags, delay):
        self.traced = traced
        self.processes = []
        self.tokens, self.cpu = [], []  # Of each window.
        sink = subprocess.Popen([sys.executable, str(HERE / "sink.py")], stdout=subprocess.PIPE, text=True)
        self.processes.append(sink)
        endpoint = f"http://127.0.0.1:{sink.stdout.readline().strip()}/v1/traces"
        process, self.port = start(endpoint, not traced, flags, delay)
        self.processes.append(process)

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

    def spans_lost(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics") as answer:
            lost = re.findall(r"^otel_spans_dropped_total\S* (\S+)", answer.read().decode(), re.MULTILINE)
        return sum(map(float, lost))

    def stop(self):
        self.resume()
        for process in self.processes[::-1]:
            process.terminate()
            process.wait()


class Bench:
    """Servers of both sides under load."""

    def __init__(self, args):
        self.args = args
        self.servers = []
        try:
            for number in range(2 * args.pairs):
                traced = number % 2 == 1 and args.mode != "null"
                flags = FLAGS[args.mode] if traced else []
                # Clocks go on while a server is paused: so its spans leave as often per token as they do unpaused.
                self.servers.append(Server(traced, flags, DELAY * 2 * args.pairs))
        except BaseException:
            self.close()
            raise
        self.load = Load([server.port for server in self.servers], args.streams, args.max_tokens)

    def warm_up(self, seconds):
        """
        Mostly with short answers: what runs once per request or per span needs some ten thousand of them until the compiler is
        done with it, which takes minutes with long ones. What compiling costs is paid once in a server's life.

        `seconds` are for each server: all share the machine.
        """
        seconds *= len(self.servers)
        for server in self.servers:
            server.resume()
        self.load.max_tokens(SHORT)
        self.load.run(0.7 * seconds)
        self.load.max_tokens(self.args.max_tokens)
        self.load.run(0.3 * seconds)
        self.lost = self.spans_lost()
        for server in self.servers:
            server.pause()

    def spans_lost(self):
        return sum(server.spans_lost() for server in self.servers if server.traced)

    def measure(self):
        before = [(self.load.tokens[server.port], server.thread_seconds()) for server in self.servers]
        for number in range(self.args.windows):
            self.window()
            rate = [sum(server.tokens[-1] for server in side) / self.args.seconds / len(side) for side in self.sides()]
            print(
                f"{number + 1:3} off {rate[0]:8.1f} on {rate[1]:8.1f} tokens/s ratio {self.ratio(number):.4f}"
                f" processor time per token {self.ratio_of_cpu(number):.4f}",
                flush=True,
            )
        used = []
        for server, (tokens, seconds) in zip(self.servers, before):
            count = self.load.tokens[server.port] - tokens
            used.append({kind: (now - seconds[kind]) / count for kind, now in server.thread_seconds().items()})
        by_thread(used[0::2], used[1::2])

    def sides(self):
        """Those without and those with tracing; with mode null two halves alike."""
        return self.servers[0::2], self.servers[1::2]

    def window(self):
        """Many short turns of each server; who goes first alternates too, so that a drift favours none."""
        turns = max(1, round(self.args.seconds / self.args.turn))
        before = [(self.load.tokens[server.port], server.cpu_seconds()) for server in self.servers]
        for turn in range(turns):
            for server in self.servers if turn % 2 == 0 else self.servers[::-1]:
                server.resume()
                self.load.run(self.args.turn)
                server.pause()
        for server, (tokens, seconds) in zip(self.servers, before):
            server.tokens.append(self.load.tokens[server.port] - tokens)
            server.cpu.append(server.cpu_seconds() - seconds)

    def ratio(self, window):
        off, on = (sum(server.tokens[window] for server in side) for side in self.sides())
        return on / off

    def ratio_of_cpu(self, window):
        off, on = (
            sum(server.cpu[window] for server in side) / sum(server.tokens[window] for server in side)
            for side in self.sides()
        )
        return on / off

    def report(self):
        windows = range(len(self.servers[0].tokens))
        cpu = [self.ratio_of_cpu(window) for window in windows]
        print(f"processor time of server and backend per token, on to off: {told(cpu)}")
        for off, on in zip(*self.sides()):
            print(f"one pair of processes: {told([on.tokens[window] / off.tokens[window] for window in windows])}")
        # Servers of one side differ by chance alone; this is what a single pair is worth.
        for side in self.sides():
            for one, other in zip(side, side[1:]):
                print(f"two of one side: {told([other.tokens[window] / one.tokens[window] for window in windows])}")
        for server in self.servers:
            server.resume()
        # Spans that are dropped cost nothing: a figure with drops is none.
        print(f"spans lost: {self.spans_lost() - self.lost:.0f}")
        ratios = [self.ratio(window) for window in windows]
        print(f"mode {self.args.mode}, {self.args.pairs} pairs of processes: tokens/s, on to off: {told(ratios)}")
        return ratios

    def close(self):
        for server in self.servers:
            server.stop()


def by_thread(off, on):
    """Where the difference in processor time is, in ns per token; mean of the servers of a side."""
    print("processor time per token by thread, ns: off, on, difference")
    kinds = {kind for used in off + on for kind in used}
    rows = []
    for kind in kinds:
        a, b = (1e9 * sum(used.get(kind, 0) for used in side) / len(side) for side in (off, on))
        rows.append((b - a, a, b, kind))
    for difference, a, b, kind in sorted(rows, key=lambda row: -abs(row[0])):
        if max(a, b) >= 20:
            print(f"  {kind:16} {a:9.0f} {b:9.0f} {difference:+8.0f}")


def told(ratios):
    """Median and its 95 % interval by bootstrap."""
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(ratios, k=len(ratios))) for _ in range(10_000))
    return (
        f"median of {len(ratios)} windows {statistics.median(ratios):.4f},"
        f" 95 % interval {medians[250]:.4f} to {medians[9749]:.4f}"
    )


def arguments(words=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=FLAGS, default="request")
    parser.add_argument("--pairs", type=int, default=2, help="servers of each side")
    parser.add_argument("--windows", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=3, help="of each server in a window")
    parser.add_argument("--turn", type=float, default=0.15, help="seconds until the next server runs")
    parser.add_argument("--warm-up", type=float, default=120, help="seconds of load for each server before the first window")
    parser.add_argument("--streams", type=int, default=32)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--keep", type=pathlib.Path, help="file of ratios: those of earlier runs count too")
    return parser.parse_args(words)


def main():
    args = arguments()
    bench = Bench(args)
    try:
        bench.warm_up(args.warm_up)
        bench.measure()
        ratios = bench.report()
    finally:
        bench.close()
    if args.keep:
        with args.keep.open("a") as file:
            file.writelines(f"{ratio}\n" for ratio in ratios)
        print(f"all runs: {told([float(line) for line in args.keep.read_text().split()])}")


if __name__ == "__main__":
    main()

"""Cost of tracing by crossover: two servers alike, in one of which every request is traced and in the other none, by the flag of
the callers' `traceparent`; with each window they change places.

So what chance made of a process (its compiled code, its place in memory) counts as often for tracing as against it, which two
processes with and without the SDK never do. What this leaves out is what a server with the SDK does for a request that is not
traced: cost.py has that, and the luck of its processes.
"""

import argparse
import collections
import math

from cost import DELAY, FLAGS, SHORT, Server, by_thread, told
from load import Load


class Side:
    """What was used in the windows of one side."""

    def __init__(self):
        self.tokens, self.seconds = 0, collections.Counter()

    def add(self, tokens, used):
        self.tokens += tokens
        self.seconds.update(used)

    def per_token(self):
        return {kind: seconds / self.tokens for kind, seconds in self.seconds.items()}


class Crossover:
    """Two servers under load, of which one is always paused."""

    def __init__(self, servers, args):
        self.servers, self.args = servers, args
        self.load = Load([server.port for server in servers], args.streams, args.max_tokens)
        self.off, self.on = Side(), Side()

    def warm_up(self):
        """As in cost.py mostly with short answers, and of both kinds."""
        for share, length in ((0.7, SHORT), (0.3, self.args.max_tokens)):
            self.load.max_tokens(length)
            for number in range(8):
                self.assign(number % 2)
                self.load.run(share * self.args.warm_up * len(self.servers) / 8)
        for server in self.servers:
            server.pause()

    def assign(self, traced):
        for number, server in enumerate(self.servers):
            self.load.sampled(server.port, number == traced)

    def turns(self, seconds):
        """So many seconds of each server; who goes first alternates."""
        for turn in range(max(1, round(seconds / self.args.turn))):
            for server in self.servers if turn % 2 == 0 else self.servers[::-1]:
                server.resume()
                self.load.run(self.args.turn)
                server.pause()

    def window(self, traced):
        """Ratios of tokens and of processor time per token, the traced server to the other."""
        self.assign(traced)
        # Answers that began as the other kind end here.
        self.turns(self.args.settle)
        before = [(self.load.tokens[server.port], server.thread_seconds()) for server in self.servers]
        self.turns(self.args.seconds)
        tokens, seconds = [], []
        for number, (server, (count, used)) in enumerate(zip(self.servers, before)):
            spent = server.thread_seconds()
            spent.subtract(used)
            tokens.append(self.load.tokens[server.port] - count)
            seconds.append(sum(spent.values()))
            (self.on if number == traced else self.off).add(tokens[-1], spent)
        other = 1 - traced
        rate = tokens[traced] / tokens[other]
        return rate, seconds[traced] / seconds[other] / rate

    def both(self):
        """Geometric means of two windows with the places changed: the processes' own ratio is in both, once this way up."""
        windows = [self.window(traced) for traced in (0, 1)]
        return [math.sqrt(one * other) for one, other in zip(*windows)]


def report(crossover, servers, args):
    crossover.warm_up()
    lost = sum(server.spans_lost() for server in resumed(servers))
    for server in servers:
        server.pause()
    rates, cpu = [], []
    for number in range(args.windows):
        rate, used = crossover.both()
        rates.append(rate)
        cpu.append(used)
        print(f"{number + 1:3} tokens/s, traced to not: {rate:.4f} processor time per token {used:.4f}", flush=True)
    print(f"processor time of server and backend per token, traced to not: {told(cpu)}")
    by_thread([crossover.off.per_token()], [crossover.on.per_token()])
    print(f"spans lost: {sum(server.spans_lost() for server in resumed(servers)) - lost:.0f}")
    print(f"mode {args.mode}, crossover of two processes: tokens/s, traced to not: {told(rates)}")
    return rates


def resumed(servers):
    for server in servers:
        server.resume()
    return servers


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=FLAGS, default="spans")
    parser.add_argument("--windows", type=int, default=24, help="pairs of windows, one for each place")
    parser.add_argument("--seconds", type=float, default=1.5, help="of each server in a window")
    parser.add_argument("--settle", type=float, default=0.6, help="seconds of each server before a window")
    parser.add_argument("--turn", type=float, default=0.15, help="seconds until the other server runs")
    parser.add_argument("--warm-up", type=float, default=120, help="seconds of load for each server before the first window")
    parser.add_argument("--streams", type=int, default=32)
    parser.add_argument("--max-tokens", type=int, default=64)
    return parser.parse_args()


def main():
    args = arguments()
    servers = []
    try:
        for _ in range(2):
            # Clocks go on while a server is paused: so its spans leave as often per token as they do unpaused.
            servers.append(Server(True, FLAGS[args.mode], 2 * DELAY))
        report(Crossover(servers, args), servers, args)
    finally:
        for server in servers:
            server.stop()


if __name__ == "__main__":
    main()

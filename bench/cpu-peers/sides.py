"""Processes that measure one piece of work after another as they are asked: a line in names it, a line out ends with the value."""

import statistics
import subprocess
import sys
import time

SETTLE_SECONDS = 0.5
"""Before each measurement: threads of LLVM's OpenMP, which the peer may be built with, spin for 0.2 s after their last work."""


class Side:
    """One side of a comparison, kept between measurements so that both can take turns."""

    def __init__(self, name, command):
        self.name = name
        self.command = command
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def measure(self, work):
        """The value of one piece of work; what else the process prints is passed over."""
        time.sleep(SETTLE_SECONDS)
        try:
            self.process.stdin.write(work + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        for line in self.process.stdout:
            words = line.split()
            if len(words) > 2 and words[0] == self.name and words[-2] == work:
                return float(words[-1])
        tail = self.process.stderr.read()[-2000:]
        raise SystemExit(f"{self.command[0]} ended with {self.process.wait()} instead of measuring {work}:\n{tail}")

    def close(self):
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.wait()


def take_turns(ours, theirs, work, rounds, after_each=lambda mine: ""):
    """The values of both sides for one piece of work: ours, theirs, ours, theirs and so on, so that a machine whose speed wanders
    does so for both. What after_each says of ours goes to the progress, too.
    """
    mine, others = [], []
    for turn in range(rounds):
        mine.append(ours.measure(work))
        others.append(theirs.measure(work))
        text = f"{work} {turn + 1}/{rounds}: {ours.name} {mine[-1]:.1f}, {theirs.name} {others[-1]:.1f} tok/s"
        say(text + after_each(mine[-1]))
    return mine, others


def say(text):
    """Progress goes to standard error, results to standard output."""
    print(text, file=sys.stderr, flush=True)


def spread(values, digits=0):
    """The median, and the least and the most."""
    median, least, most = statistics.median(values), min(values), max(values)
    return f"{median:.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"
